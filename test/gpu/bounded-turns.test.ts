/** Loops that end where their conditions hold no more: what they compute against plain arithmetic, and bit for bit against loops to their ends. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { profiles } from "../../kernels/profiles.ts";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import type { Kernel, KernelStmt, Nest, Profile, Stmt } from "../../src/ir/kernel.ts";
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

/** Both device classes, taking four neighbours however few there are. */
const eager = [profiles.software, profiles.gpu].map((p): Profile => ({ ...p, vector: { accesses: 0, invocations: 1e9 } }));
/** How far past the row's own number its columns count: for some rows before the first, for some beyond the last. */
const shifts = [-3, 0, 30];
const shapes = [[1, 40], [7, 36], [17, 60], [65, 40], [129, 36]] as const;

/** Of row r: the maximum and a sum over the columns up to r + shift, one that counts 0.25 for each column beyond, and what is left of their quotients, 0.5 beyond. */
function causal(rows: number, columns: number, shift: number): Nest {
  const w = new NestWriter();
  const [r, c, k, d] = [w.axis("r", rows), w.axis("c", columns), w.axis("k", columns), w.axis("d", columns)];
  const [x, m, s, e, y] = [buffer(`x ${shift}`, [rows, columns], "input"), ...["m", "s", "e", "y"].map((n) => buffer(`${n} ${shift}`, n === "y" ? [rows, columns] : [rows], "output"))] as const;
  if (!m || !s || !e || !y) throw new Error("four buffers");
  const body: Stmt[] = [];
  const end = add(at(r), int(shift));
  const [most] = w.fold(body, "max", [c], (inner) => ({ value: w.load(inner, x, address([r, columns], [c, 1])), mask: op("<=", "bool", [at(c), end]) }));
  const [sum] = w.fold(body, "sum", [k], (inner) => ({ value: op("select", "f32", [op(">", "bool", [end, at(k)]), w.load(inner, x, address([r, columns], [k, 1])), num(0)]) }));
  const l = w.axis("l", columns);
  const [other] = w.fold(body, "sum", [l], (inner) => ({ value: op("select", "f32", [op("<", "bool", [at(l), end]), w.load(inner, x, address([r, columns], [l, 1])), num(0.25)]) }));
  if (!most || !sum || !other) throw new Error("three folds");
  for (const [buffer, value] of [[m, most], [s, sum], [e, other]] as const) body.push({ kind: "store", buffer, index: at(r), value });
  const inner: Stmt[] = [];
  const value = mul(w.load(inner, x, address([r, columns], [d, 1])), add(sum, num(2)));
  inner.push({ kind: "store", buffer: y, index: address([r, columns], [d, 1]), value: op("select", "f32", [op(">=", "bool", [end, at(d)]), value, num(0.5)]) });
  body.push({ kind: "each", axis: d, body: inner });
  return w.nest(`rows ${shift}`, "row", [r], body);
}

/** Loops whose ends are no constants. */
function openLoops(kernels: readonly Kernel[]): number {
  const count = (s: KernelStmt): number =>
    s.kind === "for" ? Number(s.to.kind !== "constant" || s.from.kind !== "constant") + s.body.reduce((n, t) => n + count(t), 0) : s.kind === "if" ? s.body.reduce((n, t) => n + count(t), 0) : 0;
  return kernels.reduce((n, k) => n + k.body.reduce((m, s) => m + count(s), 0), 0);
}

describe.each(eager)("on $name", (profile) => {
  it.each(shapes)("%i rows of %i", async (rows, columns) => {
    const x = numbers(rows * columns, rows);
    const run = { nests: shifts.map((shift) => causal(rows, columns, shift)), inputs: Object.fromEntries(shifts.map((shift) => [`x ${shift}`, x])), profile };
    const whole = { ...run, off: new Set(["bounds"]) };
    // Two of the folds, and the loop that writes, in two parts.
    expect(openLoops(kernelsOf(run))).toBe(4 * shifts.length);
    expect(openLoops(kernelsOf(whole))).toBe(0);
    const [found, plain] = [await runNests(gpu.device, run), await runNests(gpu.device, whole)];
    for (const [name, values] of Object.entries(plain)) expect(found[name]?.every((v, i) => Object.is(v, values[i])), name).toBe(true);
    for (const shift of shifts) {
      const line = (r: number, to: number): readonly number[] => [...x.slice(r * columns, r * columns + Math.max(0, Math.min(columns, to)))];
      const all = Array.from({ length: rows }, (_, r) => r);
      const sums = all.map((r) => line(r, r + shift).reduce((a, b) => a + b, 0));
      expect(difference(found[`m ${shift}`] ?? [], all.map((r) => line(r, r + shift + 1).reduce((a, b) => Math.max(a, b), -3.4028234663852886e38)))).toBe(0);
      expect(difference(found[`s ${shift}`] ?? [], sums)).toBeLessThan(1e-5);
      expect(difference(found[`e ${shift}`] ?? [], all.map((r) => (sums[r] ?? 0) + 0.25 * (columns - line(r, r + shift).length)))).toBeLessThan(1e-5);
      expect(difference(found[`y ${shift}`] ?? [], all.flatMap((r) => Array.from({ length: columns }, (_, c) => (c <= r + shift ? (x[r * columns + c] ?? 0) * ((sums[r] ?? 0) + 2) : 0.5))))).toBeLessThan(1e-5);
    }
  });
});
