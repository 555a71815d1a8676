/**
 * Constant folding, by the op records' own evaluation in doubles. Splats stay splats of any shape; tables are folded
 * while they are small. A result that no f32 holds is left for the run to show.
 */
import * as dims from "../../ir/dims.ts";
import type { Dim } from "../../ir/dims.ts";
import type { Node, NodeOf, OpName, Relation } from "../../ir/node.ts";
import { table as ops } from "../../ops/table.ts";
import type { EvalContext, Evaluate, Tensor64 } from "../../ops/op.ts";
import { wrap } from "../../ops/tensor64.ts";
import { orders, pair, splatOf } from "../match.ts";
import { both, every, input, rule, some } from "../rule.ts";
import type { Rule } from "../rule.ts";

/** Elements of the largest table that is folded, operands and result alike. */
const largestTable = 256;

const folded = [
  "neg", "exp", "log", "log1p", "expm1", "sqrt", "sin", "cos", "tanh", "sigmoid", "erf", "floor", "not", "finite",
  "add", "mul", "div", "max", "pow", "floordiv", "mod", "compare", "logic", "select", "cast",
  "reduce", "argmax", "cumsum", "argsort", "cholesky", "triangular_solve", "contract", "view", "reshape", "concat", "gather", "scatter_sum",
] as const satisfies readonly OpName[];

/** Whether an f32 holds a number. */
const isHeld = (x: number): boolean => Number.isFinite(Math.fround(x));

/** Folding. */
export const constants: readonly Rule[] = [
  rule({
    name: "fold-constants",
    doc: "an operation on constants is a constant",
    ops: folded,
    over: every("const"),
    apply: (n, e) => {
      if (n.inputs.length === 0 || !n.inputs.every((x) => x.op === "const")) return undefined;
      const splat = foldSplats(n);
      const data = splat === undefined ? foldTables(n) : wrap(n.type.dtype, Float64Array.of(splat))[0];
      const ok = data !== undefined && (typeof data === "number" ? isHeld(data) : data.every(isHeld));
      return ok ? e.const(n.type, data) : undefined;
    },
    example: (e) => {
      const table = e.const({ dtype: "f32", shape: [2, 3] }, [1, 2, 3, 4, 5, 6]);
      return e.mul(e.reduce("sum", e.exp(table), [0]), e.const({ dtype: "f32", shape: [3] }, 0.5));
    },
  }),
  rule({
    name: "size-static",
    doc: "a size without symbols is a number",
    ops: ["size"],
    apply: (n, e) => (dims.isStatic(n.attrs.dim) ? e.const(n.type, n.attrs.dim) : undefined),
    example: (e) => e.mul(e.cast(e.size(3), "f32"), input(e, "x", [])),
  }),
  rule({
    name: "size-positive",
    doc: "data has at least one example: max(n, 1) = n and n > 0 is true, for the live size n",
    ops: ["max", "compare"],
    over: both(some("const"), some("size", "cast")),
    apply: (n, e) => {
      for (const [x, y] of n.op === "max" ? orders(n) : [pair(n)]) {
        const bound = splatOf(y);
        if (bound === undefined || !isLiveSize(x)) continue;
        if (n.op === "max") return bound <= 1 ? x : undefined;
        const known = n.op === "compare" ? comparedWithSize(n.attrs.relation, bound) : undefined;
        return known === undefined ? undefined : e.const(n.type, Number(known));
      }
      return undefined;
    },
    example: (e) => {
      const size = e.cast(e.size(dims.sym("N")), "f32");
      return e.select(e.compare(">", size, e.like(size, 0)), e.max(size, e.like(size, 1)), e.like(size, 7));
    },
  }),
];

/** A size that data decides, at least 1: a product of sizes and numbers, none taken off. */
function isLiveSize(x: Node): boolean {
  const node = x.op === "cast" ? (x.inputs[0] as Node) : x;
  return node.op === "size" && !dims.isStatic(node.attrs.dim) && node.attrs.dim.terms.every((t) => t.coefficient > 0);
}

/** What a relation between a size and a number below it always is. */
function comparedWithSize(relation: Relation, bound: number): boolean | undefined {
  if (relation === ">=" && bound <= 1) return true;
  if (relation === "<" && bound <= 1) return false;
  if (bound >= 1) return undefined;
  return relation === ">" || relation === "!=" ? true : relation === "<=" || relation === "==" ? false : undefined;
}

/** Splats in, a splat out: of any shape, sizes known or not. */
function foldSplats(n: Node): number | undefined {
  const values = n.inputs.map(splatOf);
  if (values.some((v) => v === undefined)) return undefined;
  const evaluate = ops[n.op].eval as Evaluate<OpName>;
  if (evaluate.kind === "scalar") return evaluate.of(n.attrs as never, ...(values as number[]));
  if (n.op === "reshape") return values[0];
  if (n.op === "view") return n.attrs.map.guards.length === 0 || values[0] === 0 ? values[0] : undefined;
  if (n.op === "concat") return values.every((v) => v === values[0]) ? values[0] : undefined;
  return undefined;
}

/** Small tables of static shape: evaluated whole. */
function foldTables(n: Node): number | readonly number[] | undefined {
  const small = (shape: readonly Dim[]): boolean => {
    // A product with 0 in it is 0 whatever data decides, and there would be no shape to make.
    const count = dims.product(shape);
    return shape.every(dims.isStatic) && typeof count === "number" && count <= largestTable;
  };
  if (!small(n.type.shape) || !n.inputs.every((x) => small(x.type.shape)) || asksForSizes(n)) return undefined;
  const tables = n.inputs.map((x) => tableOf(x as NodeOf<"const"> & Node));
  const evaluate = ops[n.op].eval as Evaluate<OpName>;
  let data: Float64Array;
  if (evaluate.kind === "scalar") {
    const count = tables[0]?.data.length ?? 0;
    data = Float64Array.from({ length: count }, (_, i) => evaluate.of(n.attrs as never, ...tables.map((t) => t.data[i] as number)));
  } else if (evaluate.kind === "tensor") {
    data = evaluate.of(n as never, tables, still).data;
  } else return undefined;
  wrap(n.type.dtype, data);
  return data.length > 0 && data.every((v) => Object.is(v, data[0])) ? data[0] : [...data];
}

/** A view that looks at places that the data decides, whatever its shape. */
function asksForSizes(n: Node): boolean {
  if (n.op !== "view") return false;
  const { index, guards } = n.attrs.map;
  return [...index.map((c) => c.numerator), ...guards.map((g) => g.value)].some((form) => !dims.isStatic(form.c));
}

/** The surroundings of an evaluation that asks for nothing: no symbol, no draw. */
const still: EvalContext = { size: (d) => dims.evaluate(d, {}), seed: 0, step: 0, example: 0 };

function tableOf(n: NodeOf<"const">): Tensor64 {
  const shape = n.type.shape as readonly number[];
  const count = dims.product(shape) as number;
  const { data } = n.attrs;
  return { shape, data: typeof data === "number" ? new Float64Array(count).fill(data) : Float64Array.from(data) };
}

