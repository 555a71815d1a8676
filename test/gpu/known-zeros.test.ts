/** Products with what is 0 above a diagonal: what they compute against plain arithmetic, and bit for bit against sums to their ends. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { alternatives, keyOf } from "../../kernels/alternatives.ts";
import { bind, bindNest } from "../../kernels/bind.ts";
import { trianglesOf } from "../../kernels/known-zeros.ts";
import { profiles } from "../../kernels/profiles.ts";
import { LoneKernel } from "../../src/harness/lone-kernel.ts";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import type { Buffer, Kernel, KernelStmt, Nest, Profile, Stmt } from "../../src/ir/kernel.ts";
import { op } from "../../src/ir/scalar.ts";
import { address, at, difference, int, mul, NestWriter, num, numbers } from "./nests.ts";
import { baseline } from "../../src/memory/plan.ts";
import { buffer, kernelsOf, runNests, scheduleOf } from "./run-nests.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

const channels = 16;
const heads = 4;
/** In step, as the software adapter runs them, and not. */
const kinds = [{ name: "in step", profile: { ...profiles.software, subgroup: 4 } }, { name: "alone", profile: profiles.software }, { name: "gpu", profile: profiles.gpu }] as const;

interface Case {
  readonly nests: readonly Nest[];
  readonly weights: Buffer;
}

/** p = select(column <= row, x, 0); o[h, i, c] = Σ over j of p[h, i, j] v[h, j, c] and d[h, j, c] = Σ over i of p[h, i, j] v[h, i, c]. */
function products(side: number, relation: "<=" | "<" | ">=" = "<="): Case {
  const [x, v] = [buffer("x", [heads, side, side], "input"), buffer("v", [heads, side, channels], "input")];
  const [p, o, d] = [buffer("p", [heads, side, side], "temp"), buffer("o", [heads, side, channels], "output"), buffer("d", [heads, side, channels], "output")];
  const square = side * side;
  const mask = new NestWriter();
  const [h, i, j] = [mask.axis("h", heads), mask.axis("i", side), mask.axis("j", side)];
  const body: Stmt[] = [];
  const element = address([h, square], [i, side], [j, 1]);
  const read = mask.load(body, x, element);
  body.push({ kind: "store", buffer: p, index: element, value: op("select", "f32", [op(relation, "bool", [at(j), at(i)]), read, num(0)]) });
  const product = (name: string, to: Buffer, along: "row" | "column"): Nest => {
    const w = new NestWriter();
    const [n, line, c, k] = [w.axis("h", heads), w.axis("line", side), w.axis("c", channels), w.axis("k", side)];
    const inner: Stmt[] = [];
    const [sum] = w.fold(inner, "sum", [k], (turn) => ({
      value: mul(w.load(turn, p, along === "row" ? address([n, square], [line, side], [k, 1]) : address([n, square], [k, side], [line, 1])), w.load(turn, v, address([n, side * channels], [k, channels], [c, 1]))),
    }));
    if (sum) inner.push({ kind: "store", buffer: to, index: address([n, side * channels], [line, channels], [c, 1]), value: sum });
    return w.nest(name, "contract", [n, line, c], inner);
  };
  return { nests: [mask.nest("mask", "pointwise", [h, i, j], body), product("o", o, "row"), product("d", d, "column")], weights: p };
}

/** Loops of products that begin or end where no constant says. */
function openLoops(kernels: readonly Kernel[]): number {
  const count = (s: KernelStmt): number =>
    s.kind === "for" ? Number(s.to.kind !== "constant" || s.from.kind !== "constant") + s.body.reduce((n, t) => n + count(t), 0) : s.kind === "if" ? s.body.reduce((n, t) => n + count(t), 0) : 0;
  return kernels.reduce((n, k) => n + k.body.reduce((m, s) => m + count(s), 0), 0);
}

describe.each(kinds)("$name", ({ profile }) => {
  it.each([1, 2, 3, 7, 16, 17, 64, 65, 128])("of %i rows", async (side) => {
    const { nests } = products(side);
    const [x, v] = [numbers(heads * side * side, side), numbers(heads * side * channels, side + 1)];
    const run = { nests, inputs: { x, v }, profile: profile as Profile };
    const whole = { ...run, off: new Set(["triangles"]) };
    if (side === 64) expect(openLoops(kernelsOf(run)) - openLoops(kernelsOf(whole))).toBe(2);
    const [found, plain] = [await runNests(gpu.device, run), await runNests(gpu.device, whole)];
    for (const [name, values] of Object.entries(plain)) expect(found[name]?.every((y, k) => Object.is(y, values[k])), name).toBe(true);
    const at = (h: number, i: number, j: number): number => (j <= i ? (x[(h * side + i) * side + j] ?? 0) : 0);
    const all = (of: (h: number, line: number, k: number) => number): readonly number[] =>
      Array.from({ length: heads * side * channels }, (_, e) => {
        const [h, line, c] = [Math.floor(e / channels / side), Math.floor(e / channels) % side, e % channels];
        return Array.from({ length: side }, (_, k) => of(h, line, k) * (v[(h * side + k) * channels + c] ?? 0)).reduce((a, b) => a + b, 0);
      });
    expect(difference(found["o"] ?? [], all((h, line, k) => at(h, line, k)))).toBeLessThan(1e-5);
    expect(difference(found["d"] ?? [], all((h, line, k) => at(h, k, line)))).toBeLessThan(1e-5);
  });

  it("whatever a tuner has chosen, which tries kernels over such weights", async () => {
    const { nests } = products(64);
    const [schedule, triangles] = [scheduleOf({ nests }), trianglesOf(nests)];
    const choices = (at: number): ReadonlyMap<string, number> => new Map(nests.map((n) => [keyOf(bindNest(n, profile, { triangles })), at]));
    const usual = openLoops(bind(schedule, profile));
    expect(openLoops(bind(schedule, profile, { choices: choices(0) }))).toBe(usual);
    expect(openLoops(bind(schedule, profile, { choices: choices(1) }))).toBe(usual);
    const options = { device: gpu.device, clock: () => performance.now(), limits: baseline, store: { bytes: 0, tensors: [] }, live: {} };
    for (const nest of nests.slice(1)) {
      const results = [];
      const all = alternatives(nest, bindNest(nest, profile, { triangles }), profile, { triangles });
      expect(new Set(all.map((k) => k.family)).size).toBeGreaterThan(1);
      for (const kernel of all) {
        const alone = await LoneKernel.load(kernel, schedule, options);
        results.push((await alone.results())[0] ?? []);
        alone.destroy();
      }
      for (const found of results) expect(difference(found, Array.from(results[0] ?? []))).toBeLessThan(1e-5);
    }
  });
});

describe("a buffer", () => {
  it("is 0 above its diagonal where one nest writes it by such a choice", () => {
    const { nests, weights } = products(16);
    expect(trianglesOf(nests).get(weights)).toEqual({ side: 16 });
    expect(trianglesOf([...nests, ...nests.slice(0, 1)]).size).toBe(0);
    for (const relation of ["<", ">="] as const) expect(trianglesOf(products(16, relation).nests).size).toBe(0);
    const [mask] = nests;
    const changed = (by: (s: Extract<Stmt, { kind: "store" }>) => Stmt): Nest => ({ ...(mask as Nest), body: (mask as Nest).body.map((s) => (s.kind === "store" ? by(s) : s)) });
    const one = (s: Extract<Stmt, { kind: "store" }>): Stmt => ({ ...s, value: { ...s.value, args: [...("args" in s.value ? s.value.args.slice(0, 2) : []), num(1)] } as typeof s.value });
    expect(trianglesOf([changed(one)]).size).toBe(0);
    expect(trianglesOf([changed((s) => ({ ...s, index: op("add", "i32", [s.index, int(1)]) }))]).size).toBe(0);
    expect(trianglesOf([changed((s) => ({ ...s, guard: op("<", "bool", [int(0), int(1)]) }))]).size).toBe(0);
  });
});
