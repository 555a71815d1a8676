/** Several nests in one dispatch: what may join, what may not, and that the device computes the same. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { profiles } from "../../kernels/profiles.ts";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { sym } from "../../src/ir/dims.ts";
import type { Buffer, Nest, Stmt } from "../../src/ir/kernel.ts";
import { op } from "../../src/ir/scalar.ts";
import { add, address, at, difference, int, mul, NestWriter, num, numbers } from "./nests.ts";
import { buffer, kernelsOf, runNests } from "./run-nests.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

/** p -= rate * g, with the count of its updates as i32. */
function update(name: string, size: number, rate: number): { nest: Nest; gradient: Buffer } {
  const w = new NestWriter();
  const i = w.axis("i", size);
  const [p, g, n] = [buffer(name, [size], "param"), buffer(`g_${name}`, [size], "input"), buffer(`n_${name}`, [size], "state", { dtype: "i32" })];
  w.params.push({ dtype: "f32", source: { kind: "constant", value: rate } });
  const body: Stmt[] = [];
  const step = mul({ kind: "param", dtype: "f32", slot: 0 }, w.load(body, g, at(i)));
  body.push({ kind: "store", buffer: p, index: at(i), value: op("sub", "f32", [w.load(body, p, at(i)), step]) });
  body.push({ kind: "store", buffer: n, index: at(i), value: add(w.load(body, n, at(i)), int(1)) });
  return { nest: w.nest("update", "pointwise", [i], body), gradient: g };
}

/** to = from + 1, over n elements. */
function copy(from: Buffer, to: Buffer, size: number): Nest {
  const w = new NestWriter();
  const i = w.axis("i", size);
  const body: Stmt[] = [];
  body.push({ kind: "store", buffer: to, index: at(i), value: add(w.load(body, from, at(i)), num(1)) });
  return w.nest("copy", "pointwise", [i], body);
}

const bothProfiles = [profiles.software, profiles.gpu] as const;

describe.each(bothProfiles)("horizontal on $name", (profile) => {
  it("updates tensors of different sizes at different rates in few dispatches", async () => {
    const sizes = [1, 7, 64, 1000, 130, 5];
    const updates = sizes.map((size, k) => update(`p${k}`, size, 0.25 * (k + 1)));
    const nests = updates.map((u) => u.nest);
    const inputs = Object.fromEntries(sizes.flatMap((size, k) => [[`p${k}`, numbers(size, k + 1)], [`g_p${k}`, numbers(size, k + 50)]]));
    const kernels = kernelsOf({ nests, profile });
    // Where branches cost nothing all share; where each workgroup walks through every branch, the small ones do.
    expect(kernels.length).toBeLessThanOrEqual(profile.barriers ? 1 : 2);
    expect(Math.max(...kernels.map((k) => k.buffers.length))).toBeGreaterThan(8);
    const found = await runNests(gpu.device, { nests, inputs, profile });
    sizes.forEach((_, k) => {
      const [p, g] = [inputs[`p${k}`] ?? [], inputs[`g_p${k}`] ?? []];
      expect(difference(found[`p${k}`] ?? [], [...p].map((v, i) => v - 0.25 * (k + 1) * (g[i] ?? 0))), `p${k}`).toBeLessThan(1e-6);
      expect([...(found[`n_p${k}`] ?? [])]).toEqual([...p].map(() => 1));
    });
  });

  it("keeps a chain in order, and one written buffer out of a shared dispatch", async () => {
    const [x, t, y, z] = [buffer("x", [50], "input"), buffer("t", [50], "temp"), buffer("y", [50], "output"), buffer("z", [50], "output")];
    const nests = [copy(x, t, 50), copy(t, y, 50), copy(x, z, 50)];
    expect(kernelsOf({ nests, profile }).map((k) => k.family)).toEqual(["pointwise", "horizontal 2"]);
    const found = await runNests(gpu.device, { nests, inputs: { x: numbers(50) }, profile });
    expect(difference(found["y"] ?? [], numbers(50).map((v) => v + 2))).toBeLessThan(1e-6);
    expect(difference(found["z"] ?? [], numbers(50).map((v) => v + 1))).toBeLessThan(1e-6);
  });

  it("lets a product, a reduction over live rows and a row share", async () => {
    const [N, capacity, live] = [sym("N"), { N: 90 }, { N: 33 }];
    const [x, W] = [buffer("x", [N, 6], "input", { capacity }), buffer("W", [6, 5], "param")];
    const [h, s] = [buffer("h", [N, 5], "output", { capacity }), buffer("s", [6], "output")];
    const dense = new NestWriter();
    const [r, o, i] = [dense.axis("r", N, capacity), dense.axis("o", 5), dense.axis("i", 6)];
    const product: Stmt[] = [];
    const [sum = num(0)] = dense.fold(product, "sum", [i], (inner) => ({ value: mul(dense.load(inner, x, address([r, 6], [i, 1])), dense.load(inner, W, address([i, 5], [o, 1]))) }));
    product.push({ kind: "store", buffer: h, index: address([r, 5], [o, 1]), value: sum });
    const sums = new NestWriter();
    const [c, n] = [sums.axis("c", 6), sums.axis("n", N, capacity)];
    const reduction: Stmt[] = [];
    const [total = num(0)] = sums.fold(reduction, "sum", [n], (inner) => ({ value: sums.load(inner, x, address([n, 6], [c, 1])) }));
    reduction.push({ kind: "store", buffer: s, index: at(c), value: total });
    const nests = [dense.nest("dense", "contract", [r, o], product), sums.nest("sums", "reduce", [c], reduction)];
    const inputs = { x: numbers(33 * 6, 2), W: numbers(30, 3) };
    const shared = await runNests(gpu.device, { nests, inputs, live, capacity, profile });
    const apart = await runNests(gpu.device, { nests, inputs, live, capacity, profile, off: new Set(["horizontal"]) });
    if (!profile.barriers) expect(kernelsOf({ nests, capacity, profile })).toHaveLength(1);
    expect(shared).toEqual(apart);
    expect(difference(shared["h"] ?? [], Array.from({ length: 33 * 5 }, (_, q) => Array.from({ length: 6 }, (_, k) => (inputs.x[Math.floor(q / 5) * 6 + k] ?? 0) * (inputs.W[k * 5 + (q % 5)] ?? 0)).reduce((a, b) => a + b, 0)))).toBeLessThan(1e-6);
  });
});

describe("horizontal", () => {
  it("keeps every read after its write and every write after earlier reads, in random programs", () => {
    const edges = fc.array(fc.tuple(fc.nat(9), fc.nat(9)), { minLength: 1, maxLength: 14 });
    fc.assert(
      fc.property(edges, (list) => {
        const buffers = Array.from({ length: 10 }, (_, k) => buffer(`b${k}`, [8], k < 5 ? "temp" : "output"));
        const pick = (k: number): Buffer => buffers[k] as Buffer;
        const nests = list.filter(([from, to]) => from !== to).map(([from, to]) => copy(pick(from), pick(to), 8));
        const kernels = kernelsOf({ nests });
        expect(kernels.flatMap((k) => k.nests)).toHaveLength(nests.length);
        const turn = new Map(kernels.flatMap((k, t) => k.nests.map((n) => [n, t] as const)));
        const touchedBy = (n: Nest): readonly [Buffer, Buffer] => {
          const [load, store] = [n.body.find((s) => s.kind === "load"), n.body.find((s) => s.kind === "store")];
          if (!load || !store) throw new Error("a copy loads and stores");
          return [load.buffer, store.buffer];
        };
        nests.forEach((a, p) => {
          for (const b of nests.slice(p + 1)) {
            const [[readA, writeA], [readB, writeB]] = [touchedBy(a), touchedBy(b)];
            if (writeA === readB || writeA === writeB || readA === writeB) expect(turn.get(a)).toBeLessThan(turn.get(b) ?? -1);
          }
        });
      }),
      { numRuns: 200 },
    );
  });
});
