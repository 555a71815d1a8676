/** The table itself: every record is complete, and types and values agree in shape for every sample. */
import { describe, expect, it } from "vitest";
import { Builder } from "../../src/graph/builder.ts";
import type { OpAttrs, OpName } from "../../src/ir/node.ts";
import type { TensorType } from "../../src/ir/types.ts";
import * as dims from "../../src/ir/dims.ts";
import { InternalError } from "../../src/support/diagnostic.ts";
import { isRefusal } from "../../src/ops/op.ts";
import type { OpRecord } from "../../src/ops/op.ts";
import { lowest } from "../../src/ops/reduce.ts";
import { table } from "../../src/ops/table.ts";
import { allCases, draw, numbers, evaluated } from "./cases.ts";

const records = Object.entries(table) as unknown as readonly (readonly [OpName, OpRecord<OpName>])[];
const cases = allCases();

describe("records", () => {
  it.each(records)("%s is complete", (op, record) => {
    expect(record.name).toBe(op);
    expect(record.doc.length).toBeGreaterThan(15);
    expect(record.doc.endsWith(".")).toBe(true);
    const known = record.eval.kind === "evaluator";
    expect(record.samples.length > 0).toBe(!known);
    expect(record.scalar !== undefined).toBe(record.class === "elementwise");
    if (typeof record.grad !== "function") expect(record.grad.none.length).toBeGreaterThan(10);
  });

  it.each(cases.map((c) => [c.title, c] as const))("attributes are described and the formula prints: %s", (_, c) => {
    const record = table[c.op] as unknown as OpRecord<OpName>;
    expect(Object.keys(record.params).sort()).toEqual(Object.keys(c.attrs).sort());
    const latex = record.latex(c.attrs, c.inputs.map((_t, i) => ["a", "b + c", "d"][i] ?? "x"));
    expect(latex.length).toBeGreaterThan(0);
    expect(latex.split("{").length).toBe(latex.split("}").length);
    expect(latex.split("\\left").length).toBe(latex.split("\\right").length);
  });
});

describe("the type rule and the evaluator agree on every sample", () => {
  it.each(cases.map((c) => [c.title, c] as const))("%s", (_, c) => {
    const next = numbers(4);
    const b = new Builder();
    const values = new Map(c.inputs.map((type, i) => [`x${i}`, draw(type, next, c.sample.ranges?.[i], c.sample.kinks, c.sample.diagonal?.[i])]));
    const node = b.make(c.op, c.attrs, c.inputs.map((type, i) => b.leaf({ kind: "input", path: `x${i}`, type })));
    const value = evaluated(node, values);
    expect(value.shape).toEqual(node.type.shape);
    if (node.type.dtype !== "f32") expect(value.data.every(Number.isInteger)).toBe(true);
    if (node.type.dtype === "bool") expect(value.data.every((v) => v === 0 || v === 1)).toBe(true);
  });
});

describe("type rules refuse", () => {
  const t = (dtype: TensorType["dtype"], ...shape: dims.Dim[]): TensorType => ({ dtype, shape });
  const N = dims.sym("N");
  const refused: readonly (readonly [string, OpName, object, readonly TensorType[], RegExp])[] = [
    ["shapes that differ", "add", {}, [t("f32", 2), t("f32", 3)], /f32\[2\] and f32\[3\] differ/],
    ["sizes that differ", "mul", {}, [t("f32", N), t("f32", 3)], /differ/],
    ["elements that differ", "add", {}, [t("f32", 2), t("i32", 2)], /differ/],
    ["one operand for two", "mul", {}, [t("f32", 2)], /2 operands, not 1/],
    ["integers under exp", "exp", {}, [t("i32", 2)], /takes f32, not i32\[2\]/],
    ["a condition that is no bool", "select", {}, [t("f32", 2), t("f32", 2), t("f32", 2)], /takes bool/],
    ["an order of bools", "compare", { relation: "<" }, [t("bool"), t("bool")], /order bools/],
    ["axes out of range", "reduce", { kind: "sum", axes: [2] }, [t("f32", 2, 3)], /ascending axes/],
    ["axes out of order", "reduce", { kind: "sum", axes: [1, 0] }, [t("f32", 2, 3)], /ascending axes/],
    ["the largest of nothing", "reduce", { kind: "max", axes: [0] }, [t("f32", 0, 3)], /empty axis/],
    ["a mask of another shape", "reduce", { kind: "sum", axes: [0] }, [t("f32", 2), t("bool", 3)], /differ in shape/],
    ["a label summed that occurs once", "contract", { a: [0, 1], b: [1, 2], out: [0] }, [t("f32", 2, 3), t("f32", 3, 4)], /label 2 is summed/],
    ["labels not numbered by first use", "contract", { a: [1, 0], b: [0, 2], out: [1, 2] }, [t("f32", 2, 3), t("f32", 3, 4)], /first use/],
    ["a label repeated in an operand", "contract", { a: [0, 0], b: [0], out: [] }, [t("f32", 2, 2), t("f32", 2)], /repeats/],
    ["extents of a label that differ", "contract", { a: [0], b: [0], out: [] }, [t("f32", 2), t("f32", 3)], /label 0 is 2/],
    ["another number of elements", "reshape", { shape: [4] }, [t("f32", 2, 3)], /cannot give/],
    ["indices that are no i32", "gather", { batch: 0 }, [t("f32", 4), t("f32", 2)], /takes i32/],
    ["a gradient of no scalar", "derive", { kind: "grad" }, [t("f32", 2), t("f32", 2)], /takes a scalar/],
    ["a rule without an adjoint", "custom", { name: "f", rules: 1 }, [t("f32", 2), t("f32", 2), t("f32", 2), t("f32", 2)], /5 operands, not 4/],
    ["an adjoint of another shape", "custom", { name: "f", rules: 1 }, [t("f32", 2), t("f32", 2), t("f32", 2), t("f32", 3), t("f32", 2)], /gives f32\[3\] an adjoint of type f32\[2\]/],
    ["a rule by labels", "custom", { name: "f", rules: 1 }, [t("f32", 2), t("f32", 2), t("f32", 2), t("i32", 2), t("i32", 2)], /derives by f32/],
    ["an incoming adjoint of another shape", "custom", { name: "f", rules: 0 }, [t("f32", 2), t("f32", 3), t("f32", 2)], /stands for f32\[2\] by f32\[3\]/],
    ["a value of whole numbers with a rule", "custom", { name: "f", rules: 0 }, [t("i32", 2), t("i32", 2), t("i32", 2)], /gives f32 values/],
    ["a number that is no bool", "const", { type: t("bool", 2), data: 2 }, [], /2 is no bool/],
    ["a table of another length", "const", { type: t("f32", 2), data: [1, 2, 3] }, [], /3 numbers/],
    ["a constant that is not finite", "const", { type: t("f32"), data: Number.NaN }, [], /NaN is no f32/],
  ];
  it.each(refused)("%s", (_, op, attrs, inputs, message) => {
    const type = (table[op] as unknown as OpRecord<OpName>).type(attrs as OpAttrs[OpName], inputs);
    expect(isRefusal(type) && type.refuse).toMatch(message);
  });
});

describe("values by hand", () => {
  const b = new Builder();
  const c = (shape: readonly number[], data: readonly number[], dtype: TensorType["dtype"] = "f32") => b.const({ dtype, shape }, data);
  const of = (node: ReturnType<typeof c>): number[] => [...evaluated(node, new Map()).data];

  it("masked folds", () => {
    const x = c([2, 3], [1, 2, 3, -4, -5, -6]);
    const mask = c([2, 3], [1, 0, 1, 0, 0, 1], "bool");
    expect(of(b.reduce("sum", x, [1], mask))).toEqual([4, -6]);
    expect(of(b.reduce("max", x, [1], mask))).toEqual([3, -6]);
    expect(of(b.reduce("sum", x, [0, 1], c([2, 3], [0, 0, 0, 0, 0, 0.0], "bool")))).toEqual([0]);
    expect(of(b.reduce("max", x, [1], b.const({ dtype: "bool", shape: [2, 3] }, 0)))).toEqual([lowest.f32, lowest.f32]);
  });

  it("folds over an empty axis", () => {
    const none = b.const({ dtype: "f32", shape: [0, 2] }, 1);
    expect(of(b.reduce("sum", none, [0]))).toEqual([0, 0]);
    expect(of(b.reduce("all", b.const({ dtype: "bool", shape: [2, 0] }, 1), [1]))).toEqual([1, 1]);
    expect(of(b.reduce("any", b.const({ dtype: "bool", shape: [2, 0] }, 1), [1]))).toEqual([0, 0]);
  });

  it("the first of equal largest elements", () => {
    expect(of(b.argmax(c([2, 3], [1, 3, 3, 2, 2, 1]), 1))).toEqual([1, 0]);
  });

  it("a matrix product, and a batch of them", () => {
    expect(of(b.contract(c([2, 2], [1, 2, 3, 4]), c([2, 2], [5, 6, 7, 8]), [0, 1], [1, 2], [0, 2]))).toEqual([19, 22, 43, 50]);
    expect(of(b.contract(c([2, 1, 2], [1, 2, 3, 4]), c([2, 2], [5, 6, 7, 8]), [0, 1, 2], [0, 2], [0, 1]))).toEqual([17, 53]);
  });

  it("gather and scatter_sum, with repeated rows", () => {
    const rows = c([3, 2], [1, 2, 3, 4, 5, 6]);
    const idx = c([3], [2, 0, 2], "i32");
    expect(of(b.gather(rows, idx, 0))).toEqual([5, 6, 1, 2, 5, 6]);
    expect(of(b.scatterSum(rows, idx, 0, 4))).toEqual([3, 4, 0, 0, 6, 8, 0, 0]);
    expect(() => of(b.gather(rows, c([1], [3], "i32"), 0))).toThrow(InternalError);
  });

  it("integers wrap at 32 bits", () => {
    expect(of(b.add(c([], [2147483647], "i32"), c([], [1], "i32")))).toEqual([-2147483648]);
    expect(of(b.add(c([], [4294967295], "u32"), c([], [2], "u32")))).toEqual([1]);
  });
});
