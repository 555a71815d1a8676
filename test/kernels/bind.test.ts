/** What bound kernels look like, without a device. */
import { describe, expect, it } from "vitest";
import { bindNest } from "../../kernels/bind.ts";
import { printKernel } from "../../kernels/print-kernel.ts";
import { profiles } from "../../kernels/profiles.ts";
import { verifyKernels } from "../../kernels/verify-kernel.ts";
import { sym } from "../../src/ir/dims.ts";
import type { Stmt } from "../../src/ir/kernel.ts";
import { add, address, at, max, mul, NestWriter, num } from "../gpu/nests.ts";
import { buffer } from "../gpu/run-nests.ts";

describe("bindNest", () => {
  it("uses the item's number as the position where the axes only take it apart", () => {
    const w = new NestWriter();
    const [n, r, c] = [w.axis("n", 4), w.axis("r", 8), w.axis("c", 16)];
    const [x, y] = [buffer("x", [4, 8, 16], "input"), buffer("y", [4, 8, 16], "output")];
    const body: Stmt[] = [];
    const index = address([n, 128], [r, 16], [c, 1]);
    body.push({ kind: "store", buffer: y, index, value: max(w.load(body, x, index), num(0)) });
    const kernel = bindNest(w.nest("relu", "pointwise", [n, r, c], body), profiles.software);
    verifyKernels([kernel], profiles.software);
    expect(printKernel(kernel)).toBe(`\
kernel relu (pointwise) workgroup 32, 1, 1 grid (512)/32, 1, 1
  let v0 = add(mul(workgroupX, 32), localX)
  load v5 = x[v0]
  store y[v0] = max(v5, 0)
`);
  });

  it("reads the bias once per column and the live rows from a parameter", () => {
    const [N, capacity] = [sym("N"), { N: 64 }];
    const w = new NestWriter();
    const [r, o, i] = [w.axis("r", N, capacity), w.axis("o", 32), w.axis("i", 64)];
    const [x, W, b, h] = [buffer("x", [N, 64], "input", { capacity }), buffer("W", [64, 32], "param"), buffer("b", [32], "param"), buffer("h", [N, 32], "output", { capacity })];
    const body: Stmt[] = [];
    const [sum = num(0)] = w.fold(body, "sum", [i], (inner) => ({ value: mul(w.load(inner, x, address([r, 64], [i, 1])), w.load(inner, W, address([i, 32], [o, 1]))) }));
    const bias = w.load(body, b, at(o));
    body.push({ kind: "store", buffer: h, index: address([r, 32], [o, 1]), value: add(sum, bias) });
    const kernel = bindNest(w.nest("dense", "contract", [r, o], body), profiles.software);
    verifyKernels([kernel], profiles.software);
    expect(kernel.family).toBe("contract 4x4");
    const text = printKernel(kernel);
    // Four turns at once, and four neighbours.
    expect(text.match(/ = x\[4·/g)).toHaveLength(4);
    expect(text.match(/ = W\[4·/g)).toHaveLength(4);
    // In loops over rows and columns.
    expect(text.match(/ = b\[/g)).toHaveLength(1);
    expect(text.match(/store h\[/g)).toHaveLength(1);
    expect(kernel.params).toEqual([{ dtype: "i32", source: { kind: "size", dim: N } }]);
  });

  it("binds the same nest to the same kernel again", () => {
    const make = (): string => {
      const w = new NestWriter();
      const [r, c] = [w.axis("r", 300), w.axis("c", 700)];
      const [x, y] = [buffer("x", [300, 700], "input"), buffer("y", [300], "output")];
      const body: Stmt[] = [];
      const [sum = num(0)] = w.fold(body, "sum", [c], (inner) => ({ value: w.load(inner, x, address([r, 700], [c, 1])) }));
      body.push({ kind: "store", buffer: y, index: at(r), value: sum });
      return printKernel(bindNest(w.nest("sum", "reduce", [r], body), profiles.gpu));
    };
    expect(make()).toBe(make());
    expect(make()).toContain("(reduce-workgroup) workgroup 256");
  });

  /** An invocation for each row, so that the only loops are those of folds. */
  const { several: _, ...onePoint } = profiles.software;

  /** Sums of `columns` neighbours in each of so many rows; of their squares too. */
  const sums = (rows: number, columns: number, folds: 1 | 2): string => {
    const w = new NestWriter();
    const [r, c, d] = [w.axis("r", rows), w.axis("c", columns), w.axis("d", columns)];
    const [x, y] = [buffer("x", [rows, columns], "input"), buffer("y", [rows], "output")];
    const body: Stmt[] = [];
    const read = (inner: Stmt[], axis: typeof c) => w.load(inner, x, address([r, columns], [axis, 1]));
    const [sum = num(0)] = w.fold(body, "sum", [c], (inner) => ({ value: read(inner, c) }));
    const square = (inner: Stmt[]) => mul(read(inner, d), read(inner, d));
    const [other = sum] = folds === 2 ? w.fold(body, "sum", [d], (inner) => ({ value: square(inner) })) : [];
    body.push({ kind: "store", buffer: y, index: at(r), value: add(sum, other) });
    return printKernel(bindNest(w.nest("sums", "reduce", [r], body), onePoint));
  };

  it("writes short folds out where that saves more than building the longer text takes", () => {
    // Turns of a loop are saved in many rows alone,
    expect(sums(100, 5, 1)).toContain("for ");
    expect(sums(100_000, 5, 1)).not.toContain("for ");
    // accesses, where folds read the same elements, in fewer.
    expect(sums(2_000, 5, 1)).toContain("for ");
    expect(sums(2_000, 5, 2)).not.toContain("for ");
    expect(sums(100_000, 50, 2)).toContain("for ");
  });
});
