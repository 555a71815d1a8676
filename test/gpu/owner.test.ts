/** Families pointwise, reduce and row on the device, against plain arithmetic in f64; on both profiles. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { countWork } from "../../kernels/count-work.ts";
import { profiles } from "../../kernels/profiles.ts";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { evaluate, sym } from "../../src/ir/dims.ts";
import type { Bindings, Dim } from "../../src/ir/dims.ts";
import type { Kernel, Monoid, Profile, Stmt } from "../../src/ir/kernel.ts";
import { op } from "../../src/ir/scalar.ts";
import { expFunction } from "../../src/ops/functions.ts";
import { add, address, at, difference, int, max, mul, NestWriter, num, numbers } from "./nests.ts";
import { buffer, kernelsOf, runNests } from "./run-nests.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

const N = sym("N");
/** The last one where subgroups are of four and the device says so; the others are what is done in their absence. */
const all = [["software", profiles.software], ["software, several points each", { ...profiles.software, several: 1 }], ["gpu", profiles.gpu], ["gpu in step", { ...profiles.gpu, subgroup: 4 }]] as const;
const runsOn = ({ subgroup }: Profile): boolean => subgroup === undefined || gpu.device.features.has("subgroups");

/** max(x shifted right by one, 0) * p, with what is shifted in read as 0. */
function shifted(rows: Dim, columns: number, capacity = {}) {
  const w = new NestWriter();
  const [x, y] = [buffer("x", [rows, columns], "input", { capacity }), buffer("y", [rows, columns], "output", { capacity })];
  const [r, c] = [w.axis("r", rows, capacity), w.axis("c", columns)];
  w.params.push({ dtype: "f32", source: { kind: "constant", value: 2.5 } });
  const body: Stmt[] = [];
  const value = w.load(body, x, add(address([r, columns], [c, 1]), int(-1)), op(">=", "bool", [at(c), int(1)]));
  body.push({ kind: "store", buffer: y, index: address([r, columns], [c, 1]), value: mul(max(value, num(0)), { kind: "param", dtype: "f32", slot: 0 }) });
  return w.nest("shifted", "pointwise", [r, c], body);
}

describe("pointwise", () => {
  it.each([[1, 1], [3, 7], [64, 2], [17, 33]])("guards reads, over %i x %i", async (rows, columns) => {
    const x = numbers(rows * columns);
    const { y } = await runNests(gpu.device, { nests: [shifted(rows, columns)], inputs: { x } });
    const expected = Array.from(x, (_, i) => (i % columns === 0 ? 0 : Math.fround(2.5 * Math.max(0, x[i - 1] ?? 0))));
    expect([...(y ?? [])]).toEqual(expected);
  });

  it.each([[1, 1], [3, 7], [64, 2], [17, 33], [5, 64], [1, 67], [40, 10]])("takes several points an invocation, over %i x %i", async (rows, columns) => {
    const run = { nests: [shifted(rows, columns)], inputs: { x: numbers(rows * columns) }, profile: { ...profiles.software, several: 1 } };
    expect([...((await runNests(gpu.device, run))["y"] ?? [])]).toEqual([...((await runNests(gpu.device, { ...run, off: new Set(["several"]) }))["y"] ?? [])]);
    const invocations = (off?: ReadonlySet<string>): number => countWork(kernelsOf({ ...run, ...(off && { off }) })[0] as Kernel, { live: {}, bothBranches: true }).invocations;
    if (rows * columns >= 128) expect(invocations()).toBeLessThanOrEqual(invocations(new Set(["several"])) / 4);
  });

  it("runs the live rows alone, several of them an invocation", async () => {
    const [x, capacity] = [numbers(5 * 3), { N: 100 }];
    const { y } = await runNests(gpu.device, { nests: [shifted(N, 3, capacity)], inputs: { x }, live: { N: 5 }, capacity, profile: { ...profiles.software, several: 1 } });
    expect(difference(y ?? [], Array.from(x, (_, i) => (i % 3 === 0 ? 0 : Math.fround(2.5 * Math.max(0, x[i - 1] ?? 0)))))).toBe(0);
  });

  it("runs the live rows alone", async () => {
    const x = numbers(5 * 3);
    const capacity = { N: 100 };
    const { y } = await runNests(gpu.device, { nests: [shifted(N, 3, capacity)], inputs: { x }, live: { N: 5 }, capacity });
    expect(y).toHaveLength(15);
    expect(difference(y ?? [], Array.from(x, (_, i) => (i % 3 === 0 ? 0 : Math.fround(2.5 * Math.max(0, x[i - 1] ?? 0)))))).toBe(0);
  });

  it("folds more than 65,535 workgroups into a second dimension", async () => {
    const count = 65_536 * 4 + 5;
    const w = new NestWriter();
    const [i, y] = [w.axis("i", count), buffer("y", [count], "output", { dtype: "i32" })];
    const nest = w.nest("count", "pointwise", [i], [{ kind: "store", buffer: y, index: at(i), value: add(at(i), int(7)) }]);
    const run = { nests: [nest], off: new Set(["several"]), profile: { ...profiles.software, pointwise: 4 } };
    expect(kernelsOf(run)[0]?.grid[1].per).toBeGreaterThan(1);
    const found = await runNests(gpu.device, run);
    expect(found["y"]?.every((v, k) => v === k + 7)).toBe(true);
  });

  it("keeps bool, i32 and u32 in their own types", async () => {
    const w = new NestWriter();
    const i = w.axis("i", 4);
    const [x, m, n] = [buffer("x", [4], "input", { dtype: "i32" }), buffer("m", [4], "output", { dtype: "bool" }), buffer("n", [4], "output", { dtype: "u32" })];
    const body: Stmt[] = [];
    const value = w.load(body, x, at(i));
    body.push({ kind: "store", buffer: m, index: at(i), value: op("<", "bool", [value, int(0)]) });
    body.push({ kind: "store", buffer: n, index: at(i), value: op("cast", "u32", [value]) });
    const found = await runNests(gpu.device, { nests: [w.nest("types", "pointwise", [i], body)], inputs: { x: Int32Array.of(-1, 0, 5, -2147483648) } });
    expect([...(found["m"] ?? [])].map(Number)).toEqual([1, 0, 0, 1]);
    expect([...(found["n"] ?? [])]).toEqual([4294967295, 0, 5, 2147483648]);
  });
});

/** A fold of x over its columns (`rows` results) or rows (`columns` results). */
function folded(monoid: Monoid, rows: Dim, columns: number, over: "rows" | "columns", capacity: Bindings = {}, place: "input" | "param" = "input") {
  const w = new NestWriter();
  const x = buffer("x", [place === "param" ? evaluate(rows, capacity) : rows, columns], place, { capacity });
  const [r, c] = [w.axis("r", rows, capacity), w.axis("c", columns)];
  const [kept, gone] = over === "columns" ? [r, c] : [c, r];
  const y = buffer("y", [kept.extent], "output", { capacity, dtype: monoid === "argmax" ? "i32" : "f32" });
  const body: Stmt[] = [];
  const results = w.fold(body, monoid, [gone], (inner) => ({ value: w.load(inner, x, address([r, columns], [c, 1])) }));
  const value = results.at(-1);
  if (value) body.push({ kind: "store", buffer: y, index: at(kept), value });
  return w.nest(`${monoid}_${over}`, "reduce", [kept], body);
}

describe.each(all)("reduce on %s", (_, profile) => {
  beforeEach(({ skip }) => {
    if (!runsOn(profile)) skip("the adapter has no subgroups");
  });

  it.each([[1, 1], [3, 5], [2, 700], [65, 129], [300, 64]])("sums, takes the largest and its first place, over %i x %i", async (rows, columns) => {
    const x = numbers(rows * columns).map((v) => Math.round(v * 8));
    for (const over of ["rows", "columns"] as const) {
      const lines = over === "columns"
        ? Array.from({ length: rows }, (_, r) => [...x.slice(r * columns, (r + 1) * columns)])
        : Array.from({ length: columns }, (_, c) => Array.from({ length: rows }, (_, r) => x[r * columns + c] ?? 0));
      const run = async (monoid: Monoid) => [...((await runNests(gpu.device, { nests: [folded(monoid, rows, columns, over)], inputs: { x }, profile }))["y"] ?? [])];
      expect(await run("sum")).toEqual(lines.map((l) => l.reduce((a, b) => a + b, 0)));
      expect(await run("max")).toEqual(lines.map((l) => Math.max(...l)));
      expect(await run("argmax")).toEqual(lines.map((l) => l.indexOf(Math.max(...l))));
    }
  });

  it.each([[1, 1], [3, 5], [2, 700], [65, 129], [300, 64]])("multiplies, over %i x %i", async (rows, columns) => {
    const x = numbers(rows * columns).map((v) => 1 + v / 16);
    for (const over of ["rows", "columns"] as const) {
      const found = await runNests(gpu.device, { nests: [folded("prod", rows, columns, over)], inputs: { x }, profile });
      const expected = over === "columns"
        ? Array.from({ length: rows }, (_, r) => x.slice(r * columns, (r + 1) * columns).reduce((a, b) => a * b, 1))
        : Array.from({ length: columns }, (_, c) => Array.from({ length: rows }, (_, r) => x[r * columns + c] ?? 0).reduce((a, b) => a * b, 1));
      expect(difference(found["y"] ?? [], expected), over).toBeLessThan(1e-4);
    }
  });

  it("sums the live rows alone, whatever lies beyond them", async () => {
    const capacity = { N: 200 };
    const nests = [folded("sum", N, 3, "rows", capacity, "param")];
    const x = numbers(200 * 3);
    const full = x.map((v, i) => (i < 70 * 3 ? v : Number.NaN));
    const expected = [0, 1, 2].map((c) => Array.from({ length: 70 }, (_, r) => x[r * 3 + c] ?? 0).reduce((a, b) => a + b, 0));
    const found = await runNests(gpu.device, { nests, inputs: { x: full }, live: { N: 70 }, capacity, profile });
    expect(difference(found["y"] ?? [], expected)).toBeLessThan(1e-6);
  });

  it("folds what a mask lets through", async () => {
    const [rows, columns] = [5, 130];
    for (const monoid of ["sum", "prod", "max", "any", "all", "argmax"] as const) {
      const x = numbers(rows * columns, 3).map((v) => (monoid === "prod" ? 1 + v / 16 : v));
      const w = new NestWriter();
      const [r, c] = [w.axis("r", rows), w.axis("c", columns)];
      const logic = monoid === "any" || monoid === "all";
      const [input, y] = [buffer("x", [rows, columns], "input"), buffer("y", [rows], "output", { dtype: logic ? "bool" : monoid === "argmax" ? "i32" : "f32" })];
      const body: Stmt[] = [];
      const results = w.fold(body, monoid, [c], (inner) => {
        const value = w.load(inner, input, address([r, columns], [c, 1]));
        const mask = op("==", "bool", [op("mod", "i32", [at(c), int(3)]), int(1)]);
        return { value: logic ? op(">", "bool", [value, num(monoid === "any" ? 0.99 : -0.99)]) : value, mask };
      });
      const value = results.at(-1);
      if (value) body.push({ kind: "store", buffer: y, index: at(r), value });
      const found = await runNests(gpu.device, { nests: [w.nest(`masked_${monoid}`, "reduce", [r], body)], inputs: { x }, profile });
      const lines = Array.from({ length: rows }, (_, k) => [...x.slice(k * columns, (k + 1) * columns)]);
      const kept = lines.map((l) => l.filter((_, k) => k % 3 === 1));
      const expected = kept.map((l, k) => {
        if (monoid === "any") return Number(l.some((v) => v > 0.99));
        if (monoid === "all") return Number(l.every((v) => v > -0.99));
        if (monoid === "sum") return l.reduce((a, b) => a + b, 0);
        if (monoid === "prod") return l.reduce((a, b) => a * b, 1);
        return monoid === "max" ? Math.max(...l) : (lines[k] ?? []).indexOf(Math.max(...l));
      });
      expect(difference([...(found["y"] ?? [])].map(Number), expected), monoid).toBeLessThan(1e-6);
    }
  });
});

describe.each(all)("row on %s", (_, profile) => {
  beforeEach(({ skip }) => {
    if (!runsOn(profile)) skip("the adapter has no subgroups");
  });

  it.each([[1, 1], [7, 10], [2, 63], [2, 64], [4, 65], [2, 127], [2, 129], [3, 1000]])("owns a softmax over %i x %i", async (rows, columns) => {
    const x = numbers(rows * columns).map((v) => v * 20);
    const w = new NestWriter();
    const [r, c, c2, c3] = [w.axis("r", rows), w.axis("c", columns), w.axis("c", columns), w.axis("c", columns)];
    const [input, y, top] = [buffer("x", [rows, columns], "input"), buffer("y", [rows, columns], "output"), buffer("top", [rows], "output")];
    const body: Stmt[] = [];
    const [most = num(0)] = w.fold(body, "max", [c], (inner) => ({ value: w.load(inner, input, address([r, columns], [c, 1])) }));
    const exp = (inner: Stmt[], axis: typeof c) => {
      const value = w.load(inner, input, address([r, columns], [axis, 1]));
      return w.let(inner, { kind: "call", fn: expFunction, dtype: "f32", args: [op("sub", "f32", [value, most])] });
    };
    const [sum = num(0)] = w.fold(body, "sum", [c2], (inner) => ({ value: exp(inner, c2) }));
    const each: Stmt[] = [];
    each.push({ kind: "store", buffer: y, index: address([r, columns], [c3, 1]), value: op("div", "f32", [exp(each, c3), sum]) });
    body.push({ kind: "store", buffer: top, index: at(r), value: most }, { kind: "each", axis: c3, body: each });
    const found = await runNests(gpu.device, { nests: [w.nest("softmax", "row", [r], body)], inputs: { x }, profile });
    const expected = Array.from({ length: rows }, (_, k) => {
      const line = [...x.slice(k * columns, (k + 1) * columns)];
      const largest = Math.max(...line);
      const total = line.reduce((s, v) => s + Math.exp(v - largest), 0);
      return line.map((v) => Math.exp(v - largest) / total);
    }).flat();
    expect(difference(found["y"] ?? [], expected)).toBeLessThan(2e-6);
    expect(found["top"]?.[0]).toBe(Math.max(...x.slice(0, columns)));
  });
});
