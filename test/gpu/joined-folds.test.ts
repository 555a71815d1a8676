/** Folds that share a loop: what they compute against plain arithmetic, and bit for bit against a loop each. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { profiles } from "../../kernels/profiles.ts";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import type { Kernel, KernelStmt, Nest, Profile, Stmt } from "../../src/ir/kernel.ts";
import { op } from "../../src/ir/scalar.ts";
import { add, address, at, difference, max, mul, NestWriter, num, numbers } from "./nests.ts";
import { buffer, kernelsOf, runNests } from "./run-nests.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

const eager = [profiles.software, profiles.gpu].map((p): Profile => ({ ...p, vector: { accesses: 0, invocations: 1e9 } }));
const shapes = [[1, 1], [2, 3], [7, 40], [16, 17], [65, 64], [3, 129]] as const;

/** Of each row: Σ x y, from it Σ (x + Σ x y), Σ x under a mask, the largest y and its place; the second alone follows from the first. */
function sums(rows: number, columns: number): Nest {
  const w = new NestWriter();
  const r = w.axis("r", rows);
  const names = ["a", "b", "c", "d"] as const;
  const [x, y] = [buffer("x", [rows, columns], "input"), buffer("y", [rows, columns], "input")];
  const to = names.map((n) => buffer(n, [rows], "output"));
  const body: Stmt[] = [];
  const fold = (monoid: "sum" | "max", of: (k: ReturnType<NestWriter["axis"]>, inner: Stmt[]) => { value: ReturnType<typeof num>; mask?: ReturnType<typeof num> }): ReturnType<typeof num> => {
    const k = w.axis("k", columns);
    return w.fold(body, monoid, [k], (inner) => of(k, inner))[0] as ReturnType<typeof num>;
  };
  const read = (inner: Stmt[], from: typeof x, k: Parameters<typeof at>[0]): ReturnType<typeof num> => w.load(inner, from, address([r, columns], [k, 1]));
  const a = fold("sum", (k, inner) => ({ value: mul(read(inner, x, k), read(inner, y, k)) }));
  const twice = w.let(body, mul(a, num(2)));
  const b = fold("sum", (k, inner) => ({ value: add(read(inner, x, k), a) }));
  const half = w.let(body, mul(at(r), { kind: "constant", dtype: "i32", value: 1 }));
  const c = fold("sum", (k, inner) => ({ value: read(inner, x, k), mask: op(">", "bool", [op("add", "i32", [half, at(k)]), { kind: "constant", dtype: "i32", value: 1 }]) }));
  const d = fold("max", (k, inner) => ({ value: read(inner, y, k) }));
  [twice, b, c, max(d, num(-5))].forEach((value, i) => {
    const target = to[i];
    if (target) body.push({ kind: "store", buffer: target, index: at(r), value });
  });
  return w.nest("sums", "row", [r], body);
}

const loops = (kernels: readonly Kernel[]): number => {
  const count = (s: KernelStmt): number => (s.kind === "for" ? 1 + s.body.reduce((n, t) => n + count(t), 0) : s.kind === "if" ? s.body.reduce((n, t) => n + count(t), 0) : 0);
  return kernels.reduce((n, k) => n + k.body.reduce((m, s) => m + count(s), 0), 0);
};

describe.each(eager)("on $name", (profile) => {
  it.each(shapes)("%i rows of %i", async (rows, columns) => {
    const [x, y] = [numbers(rows * columns, rows), numbers(rows * columns, columns + 7)];
    const run = { nests: [sums(rows, columns)], inputs: { x, y }, profile };
    const alone = { ...run, off: new Set(["joint"]) };
    // Four folds: the second follows from the first, the others go along with it.
    if (columns >= 40 && profile.name === "software") expect([loops(kernelsOf(run)), loops(kernelsOf(alone))]).toEqual([2, 4]);
    const [found, plain] = [await runNests(gpu.device, run), await runNests(gpu.device, alone)];
    for (const [name, values] of Object.entries(plain)) expect(found[name]?.every((v, i) => Object.is(v, values[i])), name).toBe(true);
    const all = Array.from({ length: rows }, (_, r) => [...x.slice(r * columns, (r + 1) * columns)].map((v, k) => [v, y[r * columns + k] ?? 0] as const));
    const products = all.map((row) => row.reduce((s, [u, v]) => s + u * v, 0));
    expect(difference(found["a"] ?? [], products.map((p) => 2 * p))).toBeLessThan(1e-5);
    expect(difference(found["b"] ?? [], all.map((row, r) => row.reduce((s, [u]) => s + u + (products[r] ?? 0), 0)))).toBeLessThan(1e-4);
    expect(difference(found["c"] ?? [], all.map((row, r) => row.reduce((s, [u], k) => (r + k > 1 ? s + u : s), 0)))).toBeLessThan(1e-5);
    expect(difference(found["d"] ?? [], all.map((row) => Math.max(...row.map(([, v]) => v))))).toBe(0);
  });
});
