/** Kernels that depend on each other in one dispatch: that the device computes the same bits, again and again, and where they are joined. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bind } from "../../kernels/bind.ts";
import { profiles } from "../../kernels/profiles.ts";
import { stages } from "../../kernels/stages.ts";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import type { Values } from "../../src/harness/runtime/engine.ts";
import { sym } from "../../src/ir/dims.ts";
import type { Buffer, Kernel, Nest, Profile, Stmt } from "../../src/ir/kernel.ts";
import { prices } from "../../src/schedule/prices.ts";
import { op } from "../../src/ir/scalar.ts";
import { add, address, at, difference, int, mul, NestWriter, num, numbers } from "./nests.ts";
import { buffer, type NestRun, runSchedule, scheduleOf } from "./run-nests.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

/** The kernels of nests, joined as if a dispatch took so many seconds. */
function staged({ nests, capacity = {} }: NestRun, profile: Profile, dispatch = 1): readonly Kernel[] {
  return stages(bind(scheduleOf({ nests }), profile), { live: capacity, profile, limits: { ...prices[profile.name].nominal, dispatch } });
}

/** Runs nests in stages and each by itself. */
async function bothWays(run: NestRun, profile: Profile): Promise<{ readonly kernels: readonly Kernel[]; readonly joined: Readonly<Record<string, Values>>; readonly apart: Readonly<Record<string, Values>> }> {
  const schedule = scheduleOf(run);
  const kernels = staged(run, profile);
  const joined = await runSchedule(gpu.device, { ...run, schedule, profile, kernels });
  return { kernels, joined, apart: await runSchedule(gpu.device, { ...run, schedule, profile, off: new Set(["horizontal"]) }) };
}

/** to[i] = from[n - 1 - i] + 1: what another lane wrote. */
function reversed(from: Buffer, to: Buffer, n: number): Nest {
  const w = new NestWriter();
  const i = w.axis("i", n);
  const body: Stmt[] = [];
  body.push({ kind: "store", buffer: to, index: at(i), value: add(w.load(body, from, op("sub", "i32", [int(n - 1), at(i)])), num(1)) });
  return w.nest("reversed", "pointwise", [i], body);
}

/** to = Σ from, over what may be fewer than there is room for. */
function total(from: Buffer, to: Buffer, n: Parameters<NestWriter["axis"]>[1], capacity = {}): Nest {
  const w = new NestWriter();
  const i = w.axis("i", n, capacity);
  const body: Stmt[] = [];
  const [sum = num(0)] = w.fold(body, "sum", [i], (inner) => ({ value: w.load(inner, from, at(i)) }));
  body.push({ kind: "store", buffer: to, index: int(0), value: sum });
  return w.nest("total", "reduce", [], body);
}

/** p -= s p, in place. */
function shrunk(p: Buffer, s: Buffer, n: number): Nest {
  const w = new NestWriter();
  const i = w.axis("i", n);
  const body: Stmt[] = [];
  const [value, by] = [w.load(body, p, at(i)), w.load(body, s, int(0))];
  body.push({ kind: "store", buffer: p, index: at(i), value: op("sub", "f32", [value, mul(by, value)]) });
  return w.nest("shrunk", "pointwise", [i], body);
}

describe.each([profiles.software, profiles.gpu])("stages on $name", (profile) => {
  it.each([1, 2, 3, 7, 16, 17, 63, 64, 65, 127, 129, 1000])("give the same bits as kernels of their own, over %i numbers", async (n) => {
    const [p, t, u, s, y] = [buffer("p", [n], "param"), buffer("t", [n], "temp"), buffer("u", [n], "temp"), buffer("s", [1], "output"), buffer("y", [n], "output")];
    // p is read by the first and overwritten by the fourth.
    const nests = [reversed(p, t, n), reversed(t, u, n), total(u, s, n), shrunk(p, s, n), reversed(p, y, n)];
    const inputs = { p: numbers(n, 5) };
    const { kernels, joined, apart } = await bothWays({ nests, inputs }, profile);
    expect(kernels).toHaveLength(1);
    expect(kernels[0]?.family).toBe("stages 5");
    expect(joined).toEqual(apart);
    const sum = numbers(n, 5).reduce((a, b) => a + b + 2, 0);
    expect(Math.abs((joined["s"]?.[0] ?? 0) - sum)).toBeLessThan(1e-6 * n * Math.max(1, Math.abs(sum)));
    const wanted = [...numbers(n, 5)].map((v) => v - sum * v).reverse();
    expect(difference(joined["y"] ?? [], wanted.map((v) => v + 1))).toBeLessThan(2e-6 * n * Math.max(1, Math.abs(sum)));
  });

  it("follow the live size: a product, sums over rows, an update", async () => {
    const [N, capacity, live] = [sym("N"), { N: 90 }, { N: 37 }];
    const [x, W, h, s] = [buffer("x", [N, 6], "input", { capacity }), buffer("W", [6, 5], "param"), buffer("h", [N, 5], "temp", { capacity }), buffer("s", [6], "output")];
    const dense = new NestWriter();
    const [r, o, i] = [dense.axis("r", N, capacity), dense.axis("o", 5), dense.axis("i", 6)];
    const product: Stmt[] = [];
    const [sum = num(0)] = dense.fold(product, "sum", [i], (inner) => ({ value: mul(dense.load(inner, x, address([r, 6], [i, 1])), dense.load(inner, W, address([i, 5], [o, 1]))) }));
    product.push({ kind: "store", buffer: h, index: address([r, 5], [o, 1]), value: sum });
    const slope = new NestWriter();
    const [a, b, m] = [slope.axis("a", 6), slope.axis("b", 5), slope.axis("m", N, capacity)];
    const sums: Stmt[] = [];
    const [g = num(0)] = slope.fold(sums, "sum", [m], (inner) => ({ value: mul(slope.load(inner, x, address([m, 6], [a, 1])), slope.load(inner, h, address([m, 5], [b, 1]))) }));
    sums.push({ kind: "store", buffer: W, index: address([a, 5], [b, 1]), value: g });
    const nests = [dense.nest("dense", "contract", [r, o], product), slope.nest("slope", "contract", [a, b], sums), total(W, s, 30)];
    const inputs = { x: numbers(37 * 6, 2), W: numbers(30, 3) };
    const { kernels, joined, apart } = await bothWays({ nests, inputs, live, capacity }, profile);
    expect(kernels.map((k) => k.family)).toEqual(["stages 3"]);
    expect(joined).toEqual(apart);
    const hidden = Array.from({ length: 37 * 5 }, (_, q) => Array.from({ length: 6 }, (_, k) => (inputs.x[Math.floor(q / 5) * 6 + k] ?? 0) * (inputs.W[k * 5 + (q % 5)] ?? 0)).reduce((v, z) => v + z, 0));
    const wanted = Array.from({ length: 30 }, (_, q) => Array.from({ length: 37 }, (_, n) => (inputs.x[n * 6 + Math.floor(q / 5)] ?? 0) * (hidden[n * 5 + (q % 5)] ?? 0)).reduce((v, z) => v + z, 0));
    expect(difference(joined["W"] ?? [], wanted)).toBeLessThan(1e-5);
  });

  it("give the same bits in fifty runs", async () => {
    const n = 777;
    const buffers = Array.from({ length: 9 }, (_, k) => buffer(`b${k}`, [n], k === 0 ? "input" : k === 8 ? "output" : "temp"));
    const nests = buffers.slice(1).map((b, k) => reversed(buffers[k] as Buffer, b, n));
    const run: NestRun = { nests, inputs: { b0: numbers(n) } };
    const [schedule, kernels] = [scheduleOf(run), staged(run, profile)];
    expect(kernels).toHaveLength(1);
    const wanted = [...numbers(n)].map((v) => Array.from({ length: 8 }).reduce<number>((x) => Math.fround(x + 1), v));
    for (let k = 0; k < 50; k++) expect([...((await runSchedule(gpu.device, { ...run, schedule, profile, kernels }))["b8"] ?? [])]).toEqual(wanted);
  });

  it("keep every read after its write and every write after earlier reads, in random programs", async () => {
    const n = 67;
    const edges = fc.array(fc.tuple(fc.nat(7), fc.nat(7)), { minLength: 2, maxLength: 14 });
    await fc.assert(
      fc.asyncProperty(edges, async (list) => {
        const buffers = Array.from({ length: 8 }, (_, k) => buffer(`b${k}`, [n], "param"));
        const nests = list.filter(([from, to]) => from !== to).map(([from, to]) => reversed(buffers[from] as Buffer, buffers[to] as Buffer, n));
        if (nests.length === 0) return;
        const { kernels, joined, apart } = await bothWays({ nests, inputs: Object.fromEntries(buffers.map((b, k) => [b.name, numbers(n, k + 1)])) }, profile);
        expect(kernels).toHaveLength(1);
        expect(joined).toEqual(apart);
      }),
      { numRuns: 12, seed: 1 },
    );
  });
});

describe("stages", () => {
  it("let lanes that wait for each other keep their workgroup", async () => {
    const n = 300;
    const [x, s, t, y] = [buffer("x", [n], "input"), buffer("s", [1], "temp"), buffer("t", [1], "temp"), buffer("y", [1], "output")];
    const square = new NestWriter();
    const body: Stmt[] = [];
    const value = square.load(body, s, int(0));
    body.push({ kind: "store", buffer: t, index: int(0), value: mul(value, value) });
    const both = new NestWriter();
    const i = both.axis("i", n);
    const last: Stmt[] = [];
    const [sum = num(0)] = both.fold(last, "sum", [i], (inner) => ({ value: mul(both.load(inner, x, at(i)), both.load(inner, t, int(0))) }));
    last.push({ kind: "store", buffer: y, index: int(0), value: sum });
    const nests = [total(x, s, n), square.nest("square", "pointwise", [], body), both.nest("both", "reduce", [], last)];
    const { kernels, joined, apart } = await bothWays({ nests, inputs: { x: numbers(n) } }, profiles.gpu);
    expect(kernels.map((k) => k.family)).toEqual(["stages 3"]);
    expect(joined).toEqual(apart);
    const exact = numbers(n).reduce((a, b) => a + b, 0);
    expect(Math.abs((joined["y"]?.[0] ?? 0) - exact ** 3)).toBeLessThan(1e-4 * Math.abs(exact) ** 3 + 1e-4);
  });

  it("are no more than a dispatch saves", () => {
    const [a, b, c] = [400_000, 10, 10].map((n, k) => buffer(`v${k}`, [n], k === 0 ? "input" : "temp")) as [Buffer, Buffer, Buffer];
    const small = [reversed(b, c, 10)];
    const large = [total(a, buffer("all", [1], "output"), 400_000), reversed(b, c, 10)];
    // A sum of many numbers in parts is for all cores; one by one it is one invocation's work, wherever that is.
    expect(staged({ nests: [...small, reversed(c, buffer("d", [10], "output"), 10)] }, profiles.software, 12e-6)).toHaveLength(1);
    const wide = [reversed(a, buffer("w", [400_000], "temp"), 400_000), reversed(b, c, 10)];
    expect(staged({ nests: wide }, profiles.software, 12e-6).map((k) => k.family.startsWith("stages"))).not.toContain(true);
    expect(large).toHaveLength(2);
  });
});
