/** Accesses of four neighbours: what they compute against plain arithmetic, at awkward sizes, on both profiles; and what stays as it was. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mergeAccesses } from "../../kernels/merge-accesses.ts";
import { profiles } from "../../kernels/profiles.ts";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { sym } from "../../src/ir/dims.ts";
import type { Dim } from "../../src/ir/dims.ts";
import type { Axis, Buffer, Kernel, KernelStmt, Monoid, Nest, Profile, Stmt } from "../../src/ir/kernel.ts";
import { op, ref } from "../../src/ir/scalar.ts";
import type { Scalar } from "../../src/ir/scalar.ts";
import { add, address, at, difference, int, max, mul, NestWriter, num, numbers } from "./nests.ts";
import { buffer, kernelsOf, runNests } from "./run-nests.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

/** Both device classes, taking four neighbours however few there are, and several fours an invocation on one of them. */
const eager = [profiles.software, profiles.gpu].map((p): Profile => ({ ...p, vector: { accesses: 0, invocations: 1 }, ...(p === profiles.software && { several: 1 }) }));
const sizes = [1, 2, 3, 7, 16, 17, 63, 64, 65, 127, 129, 1000];
const off = new Set(["vector"]);

/** Accesses of four and of one in a kernel's text. */
function accesses(kernels: readonly Kernel[]): { readonly four: number; readonly one: number } {
  const count = { four: 0, one: 0 };
  const visit = (s: KernelStmt): void => {
    if (s.kind === "load4" || s.kind === "store4") count.four++;
    else if (s.kind === "load" || s.kind === "store") count.one++;
    else if (s.kind === "for") s.body.forEach(visit);
    else if (s.kind === "if") [...s.body, ...(s.otherwise ?? [])].forEach(visit);
  };
  for (const k of kernels) k.body.forEach(visit);
  return count;
}

/** y = max(x, 0) · 3 + s[0], over n numbers. */
function scaled(name: string, n: Dim, capacity = {}): Nest {
  const w = new NestWriter();
  const i = w.axis("i", n, capacity);
  const [x, s, y] = [buffer(`${name}.x`, [n], "input", { capacity }), buffer(`${name}.s`, [1], "input"), buffer(`${name}.y`, [n], "output", { capacity })];
  const body: Stmt[] = [];
  const [value, shift] = [w.load(body, x, at(i)), w.load(body, s, int(0))];
  body.push({ kind: "store", buffer: y, index: at(i), value: add(mul(max(value, num(0)), num(3)), shift) });
  return w.nest(name, "pointwise", [i], body);
}

describe.each(eager)("points on $name", (profile) => {
  it("of one axis, of any length", async () => {
    const nests = sizes.map((n) => scaled(`n${n}`, n));
    const inputs = Object.fromEntries(sizes.flatMap((n) => [[`n${n}.x`, numbers(n, n)], [`n${n}.s`, Float32Array.of(n)]]));
    const found = await runNests(gpu.device, { nests, inputs, profile });
    for (const n of sizes) expect([...(found[`n${n}.y`] ?? [])], `${n}`).toEqual([...numbers(n, n)].map((v) => Math.fround(Math.fround(Math.max(v, 0) * 3) + n)));
    expect(accesses(kernelsOf({ nests, profile })).four).toBe(2 * (sizes.length - 1));
    expect(accesses(kernelsOf({ nests, profile, off })).four).toBe(0);
  });

  it.each([1, 5, 64, 199, 200])("of %i live ones out of 200", async (live) => {
    const N = sym("N");
    const x = numbers(live);
    const run = { nests: [scaled("n", N, { N: 200 })], inputs: { "n.x": x, "n.s": Float32Array.of(0.5) }, live: { N: live }, capacity: { N: 200 }, profile };
    expect(accesses(kernelsOf(run)).four).toBe(2);
    expect([...((await runNests(gpu.device, run))["n.y"] ?? [])]).toEqual([...x].map((v) => Math.fround(Math.fround(Math.max(v, 0) * 3) + 0.5)));
  });

  it("with rows, columns and pairs that others share, and one that is read across", async () => {
    const N = sym("N");
    const [capacity, live, heads, width] = [{ N: 9 }, 7, 3, 12];
    const w = new NestWriter();
    const [n, h, c] = [w.axis("n", N, capacity), w.axis("h", heads), w.axis("c", width)];
    const [x, column, row, across] = [buffer("x", [N, heads, width], "input", { capacity }), buffer("column", [width], "input"), buffer("row", [N, heads], "input", { capacity }), buffer("across", [width, heads], "input")];
    const y = buffer("y", [N, heads, width], "output", { capacity });
    const body: Stmt[] = [];
    const here = address([n, heads * width], [h, width], [c, 1]);
    const values = [w.load(body, x, here), w.load(body, column, at(c)), w.load(body, row, address([n, heads], [h, 1])), w.load(body, across, address([c, heads], [h, 1]))];
    body.push({ kind: "store", buffer: y, index: here, value: values.reduce(add) });
    const nests = [w.nest("mixed", "pointwise", [n, h, c], body)];
    const inputs = { x: numbers(live * heads * width), column: numbers(width, 2), row: numbers(live * heads, 3), across: numbers(width * heads, 4) };
    const run = { nests, inputs, live: { N: live }, capacity, profile };
    // x, column and y by fours; row once; across four times.
    expect(accesses(kernelsOf(run))).toEqual({ four: 3, one: 5 });
    const expected = Array.from({ length: live * heads * width }, (_, i) => {
      const [line, k] = [Math.floor(i / width), i % width];
      return (inputs.x[i] ?? 0) + (inputs.column[k] ?? 0) + (inputs.row[line] ?? 0) + (inputs.across[k * heads + (line % heads)] ?? 0);
    });
    expect(difference((await runNests(gpu.device, run))["y"] ?? [], expected)).toBeLessThan(1e-6);
  });

  it("in the types that memory has, in place, and beside single elements of the same buffers", async () => {
    const count = 20;
    const w = new NestWriter();
    const i = w.axis("i", count);
    const [p, n, m, flags] = [buffer("p", [count], "state"), buffer("n", [count], "input", { dtype: "i32" }), buffer("m", [count], "input", { dtype: "bool" }), buffer("flags", [count], "output", { dtype: "bool" })];
    const words = buffer("words", [count], "output", { dtype: "u32" });
    const body: Stmt[] = [];
    const [before, whole, flag, fifth] = [w.load(body, p, at(i)), w.load(body, n, at(i)), w.load(body, m, at(i)), w.load(body, n, int(5))];
    body.push(
      { kind: "store", buffer: p, index: at(i), value: add(before, op("cast", "f32", [whole])) },
      { kind: "store", buffer: flags, index: at(i), value: op("and", "bool", [flag, op("<", "bool", [whole, fifth])]) },
      { kind: "store", buffer: words, index: at(i), value: op("cast", "u32", [whole]) },
    );
    const whole32 = Int32Array.from({ length: count }, (_, k) => 7 * k - 33);
    const inputs = { p: numbers(count), n: whole32, m: Uint32Array.from({ length: count }, (_, k) => k % 3 & 1) };
    const run = { nests: [w.nest("types", "pointwise", [i], body)], inputs, profile };
    expect(accesses(kernelsOf(run))).toEqual({ four: 6, one: 1 });
    const found = await runNests(gpu.device, run);
    expect([...(found["p"] ?? [])]).toEqual([...inputs.p].map((v, k) => Math.fround(v + (whole32[k] ?? 0))));
    expect([...(found["flags"] ?? [])].map(Number)).toEqual([...whole32].map((v, k) => Number(v < 2 && (k % 3 & 1) === 1)));
    expect([...(found["words"] ?? [])]).toEqual([...Uint32Array.from(whole32)]);
  });

  it("of more buffers than a stage may bind", async () => {
    const [count, length] = [10, 72];
    const w = new NestWriter();
    const i = w.axis("i", length);
    const body: Stmt[] = [];
    const values = Array.from({ length: count }, (_, k) => w.load(body, buffer(`x${k}`, [length], "input"), at(i)));
    body.push({ kind: "store", buffer: buffer("y", [length], "output"), index: at(i), value: values.reduce(add) });
    const inputs = Object.fromEntries(values.map((_, k) => [`x${k}`, numbers(length, k + 1)]));
    const run = { nests: [w.nest("many", "pointwise", [i], body)], inputs, profile };
    expect(accesses(kernelsOf(run)).four).toBe(count + 1);
    const expected = Array.from({ length }, (_, j) => Object.values(inputs).reduce((s, x) => s + (x[j] ?? 0), 0));
    expect(difference((await runNests(gpu.device, run))["y"] ?? [], expected)).toBeLessThan(1e-6);
  });
});

/** A fold of x over its columns (a result a row) or its rows. */
function folded(x: Buffer, name: string, monoid: Monoid, over: "rows" | "columns", masked = false): Nest {
  const [rows = 1, columns = 1] = x.shape.map(Number);
  const w = new NestWriter();
  const [r, c] = [w.axis("r", rows), w.axis("c", columns)];
  const [kept, gone] = over === "columns" ? [r, c] : [c, r];
  const logic = monoid === "any" || monoid === "all";
  const y = buffer(name, [kept.extent], "output", { dtype: logic ? "bool" : monoid === "argmax" ? "i32" : "f32" });
  const body: Stmt[] = [];
  const value = w.fold(body, monoid, [gone], (inner) => {
    const element = w.load(inner, x, address([r, columns], [c, 1]));
    const value = monoid === "prod" ? add(num(1), mul(element, num(1 / 64))) : logic ? op(">", "bool", [element, num(monoid === "any" ? 6 : -7)]) : element;
    return { value, ...(masked && { mask: op("<=", "bool", [at(c), at(r)]) }) };
  }).at(-1);
  if (value) body.push({ kind: "store", buffer: y, index: at(kept), value });
  return w.nest(name, "reduce", [kept], body);
}

function foldOf(monoid: Monoid, line: readonly number[]): number {
  if (monoid === "sum") return line.reduce((a, b) => a + b, 0);
  if (monoid === "prod") return line.reduce((a, b) => a * (1 + b / 64), 1);
  if (monoid === "any") return Number(line.some((v) => v > 6));
  if (monoid === "all") return Number(line.every((v) => v > -7));
  return monoid === "max" ? Math.max(...line) : line.indexOf(Math.max(...line));
}

describe.each(eager)("folds on $name", (profile) => {
  it.each([[1, 8], [3, 36], [65, 16], [7, 100]])("of all kinds, along memory and across, over %i x %i", async (rows, columns) => {
    const x = numbers(rows * columns).map((v) => Math.round(v * 8));
    const line = { columns: (k: number) => [...x.slice(k * columns, (k + 1) * columns)], rows: (k: number) => Array.from({ length: rows }, (_, r) => x[r * columns + k] ?? 0) };
    const kinds = (["sum", "prod", "max", "any", "all", "argmax"] as const).flatMap((m) => (["rows", "columns"] as const).map((over) => [m, over] as const));
    const input = buffer("x", [rows, columns], "input");
    const nests = kinds.map(([monoid, over]) => folded(input, `${monoid} ${over}`, monoid, over));
    const found = await runNests(gpu.device, { nests, inputs: { x }, profile });
    for (const [monoid, over] of kinds) {
      const expected = Array.from({ length: over === "columns" ? rows : columns }, (_, k) => foldOf(monoid, line[over](k)));
      expect(difference([...(found[`${monoid} ${over}`] ?? [])].map(Number), expected), `${monoid} over ${over}`).toBeLessThan(monoid === "prod" ? 1e-5 : 1e-9);
    }
    // Workgroups that share a fold read one element an invocation.
    if (profile.name === "software") for (const nest of nests) expect(accesses(kernelsOf({ nests: [nest], profile })).four, nest.name).toBeGreaterThan(0);
  });

  it("of what a mask lets through, differently for each of four", async () => {
    const [rows, columns] = [40, 40];
    const x = numbers(rows * columns).map((v) => Math.round(v * 8));
    const input = buffer("x", [rows, columns], "input");
    const found = await runNests(gpu.device, { nests: [folded(input, "y", "sum", "columns", true), folded(input, "z", "max", "columns", true)], inputs: { x }, profile });
    const lines = Array.from({ length: rows }, (_, r) => [...x.slice(r * columns, r * columns + r + 1)]);
    expect([...(found["y"] ?? [])]).toEqual(lines.map((l) => foldOf("sum", l)));
    expect([...(found["z"] ?? [])]).toEqual(lines.map((l) => foldOf("max", l)));
  });

  it.each([[5, 10], [33, 64], [3, 127], [130, 20]])("in rows that are written as well, over %i x %i", async (rows, columns) => {
    const w = new NestWriter();
    const [r, c, d] = [w.axis("r", rows), w.axis("c", columns), w.axis("d", columns)];
    const [x, gain, y] = [buffer("x", [rows, columns], "input"), buffer("gain", [columns], "input"), buffer("y", [rows, columns], "output")];
    const body: Stmt[] = [];
    const [sum = num(0)] = w.fold(body, "sum", [c], (inner) => ({ value: w.load(inner, x, address([r, columns], [c, 1])) }));
    const each: Stmt[] = [];
    const value = add(w.load(each, x, address([r, columns], [d, 1])), op("neg", "f32", [mul(sum, num(1 / columns))]));
    each.push({ kind: "store", buffer: y, index: address([r, columns], [d, 1]), value: mul(value, w.load(each, gain, at(d))) });
    body.push({ kind: "each", axis: d, body: each });
    const inputs = { x: numbers(rows * columns), gain: numbers(columns, 9) };
    const found = await runNests(gpu.device, { nests: [w.nest("centred", "row", [r], body)], inputs, profile });
    const expected = Array.from({ length: rows * columns }, (_, i) => {
      const line = inputs.x.slice(i - (i % columns), i - (i % columns) + columns);
      return ((inputs.x[i] ?? 0) - line.reduce((a, b) => a + b, 0) / columns) * (inputs.gain[i % columns] ?? 0);
    });
    expect(difference(found["y"] ?? [], expected)).toBeLessThan(2e-6);
  });
});

describe("merging", () => {
  const [x, y] = [buffer("x", [64], "input"), buffer("y", [64], "output")];
  const i = ref(100, "i32");
  const load = (id: number, index: Scalar, guard?: Scalar): KernelStmt => ({ kind: "load", id, buffer: x, index, ...(guard && { guard }) });
  const store = (index: Scalar, value: Scalar, buffer = y): KernelStmt => ({ kind: "store", buffer, index, value });
  const quad = (k: number): Scalar => add(mul(i, int(4)), int(k));
  const kinds = (body: readonly KernelStmt[]): readonly string[] => mergeAccesses(body).map((s) => s.kind);

  it("takes neighbours in any order, from a multiple of four on", () => {
    expect(kinds([3, 1, 0, 2].map((k) => load(k, quad(k))))).toEqual(["load4"]);
    expect(kinds([1, 2, 3, 4].map((k) => load(k, quad(k))))).toEqual(["load", "load", "load", "load"]);
    expect(kinds([0, 1, 2, 3].map((k) => load(k, add(mul(i, int(2)), int(k)))))).toEqual(["load", "load", "load", "load"]);
    expect(kinds([0, 1, 2, 3].map((k) => store(quad(k), num(k))))).toEqual(["store4"]);
  });

  it("keeps the order of what may touch one element", () => {
    // A store between loads of its buffer, a load between stores, and stores that may meet.
    expect(kinds([load(0, quad(0)), load(1, quad(1)), store(i, num(1), x), load(2, quad(2)), load(3, quad(3))])).not.toContain("load4");
    const stores = [0, 1, 2, 3].map((k) => store(quad(k), num(k), x));
    expect(kinds([...stores.slice(0, 2), load(9, i), ...stores.slice(2)])).not.toContain("store4");
    expect(kinds([...stores.slice(0, 2), store(i, num(1), x), ...stores.slice(2)])).not.toContain("store4");
  });

  it("stores no variable later than it was to be", () => {
    const v: KernelStmt = { kind: "var", id: 50, dtype: "f32", init: num(0) };
    const stores = [0, 1, 2, 3].map((k) => store(quad(k), ref(50, "f32")));
    expect(kinds([v, ...stores])).toContain("store4");
    expect(kinds([v, ...stores.slice(0, 2), { kind: "assign", id: 50, value: num(1) }, ...stores.slice(2)])).not.toContain("store4");
  });

  it("asks for one condition for all four", () => {
    const axis: Axis = { id: 7, name: "j", extent: 4, capacity: 4 };
    const same = op("<", "bool", [at(axis), int(2)]);
    expect(kinds([0, 1, 2, 3].map((k) => load(k, quad(k), same)))).toEqual(["load4"]);
    expect(kinds([0, 1, 2, 3].map((k) => load(k, quad(k), op("<", "bool", [at(axis), int(k)]))))).not.toContain("load4");
  });
});
