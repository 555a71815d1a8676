/**
 * Small linear algebra on the last two axes: the Cholesky factor and solves with a triangle. Leading axes are a batch. Each adjoint is
 * made of these two and of products, so they have derivatives of every order.
 *
 *     cholesky                : A[B…, n, n] -> L[B…, n, n],  L Lᵀ = A,  reads the lower triangle of A
 *     triangular_solve lower  : A[B…, n, n], b[B…, n, m] -> x[B…, n, m],  tril(A) x = b
 */
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import type { Emit } from "../ir/emit.ts";
import type { Node, Relation } from "../ir/node.ts";
import { printType } from "../ir/types.ts";
import type { TensorType } from "../ir/types.ts";
import { arg, atom, called } from "./latex-words.ts";
import type { OpRecord, Refusal, Tensor64 } from "./op.ts";
import { axesOf, f32, two } from "./operands.ts";
import { elements } from "./tensor64.ts";
import { countRefused, dtypeRefused } from "./type-rules.ts";

function squareRefused(x: TensorType): Refusal | undefined {
  const [rows, columns] = x.shape.slice(-2);
  if (x.shape.length >= 2 && rows !== undefined && columns !== undefined && dims.equal(rows, columns)) return undefined;
  return { refuse: `takes square matrices, not ${printType(x)}`, operand: 0 };
}

/** The factor of a positive definite matrix. */
export const cholesky: OpRecord<"cholesky"> = {
  name: "cholesky",
  doc: "The lower triangular L with L Lᵀ = A and a positive diagonal, for symmetric positive definite A, of which the lower triangle alone is read; above the diagonal L is 0.",
  class: "matrix",
  params: {},
  type: (_, inputs) => {
    const [x] = inputs;
    return countRefused(inputs, 1) ?? dtypeRefused(inputs, ["f32"]) ?? (x && squareRefused(x)) ?? (x as TensorType);
  },
  // S = L⁻ᵀ Φ(Lᵀ g) L⁻¹, Φ the lower triangle with half its diagonal; an element below the diagonal stands for its mirror image too.
  grad: (e, node, g) => {
    const half = triangle(e, product(e, transposed(e, node), g), 0.5);
    const upper = transposed(e, node);
    const left = solve(e, upper, half, false);
    const both = transposed(e, solve(e, upper, transposed(e, left), false));
    return [triangle(e, e.add(both, transposed(e, both)), 0.5)];
  },
  eval: {
    kind: "tensor",
    of: (_, [x]) => {
      const { shape, data } = x as Tensor64;
      const n = shape.at(-1) ?? 0;
      const out = new Float64Array(data.length);
      for (let start = 0; start < data.length; start += n * n) {
        for (let j = 0; j < n; j++) {
          for (let i = j; i < n; i++) {
            let rest = data[start + i * n + j] ?? 0;
            for (let k = 0; k < j; k++) rest -= (out[start + i * n + k] ?? 0) * (out[start + j * n + k] ?? 0);
            out[start + i * n + j] = i === j ? Math.sqrt(rest) : rest / (out[start + j * n + j] ?? 1);
          }
        }
      }
      return { shape, data: out };
    },
  },
  samples: [1, 2, 3, 5].map((n) => ({ attrs: {}, inputs: [n === 3 ? f32(2, n, n) : f32(n, n)], ranges: [[-0.9, 0.9]], diagonal: [n + 0.5] })),
  latex: (_, args) => called("chol", [arg(args, 0)]),
};

/** A⁻¹ b for a triangle. */
export const triangularSolve: OpRecord<"triangular_solve"> = {
  name: "triangular_solve",
  doc: "The x with A x = b for a triangular A, whose other triangle is not read; the diagonal must not be 0.",
  class: "matrix",
  params: { lower: "A is lower triangular, else upper" },
  type: (_, inputs) => {
    const [a, b] = inputs;
    const refused = countRefused(inputs, 2) ?? dtypeRefused(inputs, ["f32"]) ?? (a && squareRefused(a));
    if (refused || !a || !b) return refused ?? { refuse: "needs two operands" };
    const rank = a.shape.length;
    const fits = b.shape.length === rank && a.shape.slice(0, -1).every((d, axis) => dims.equal(d, b.shape[axis] ?? 0));
    return fits ? b : { refuse: `matrices ${printType(a)} and right sides ${printType(b)} do not fit`, operand: 1 };
  },
  // b̄ = A⁻ᵀ g, Ā = -b̄ xᵀ within the triangle.
  grad: (e, node, g) => {
    const [a] = two(node);
    const { lower } = node.attrs;
    const toB = solve(e, transposed(e, a), g, !lower);
    return [triangle(e, e.neg(product(e, toB, transposed(e, node))), 1, lower), toB];
  },
  eval: { kind: "tensor", of: (node, [a, b]) => solved(a as Tensor64, b as Tensor64, node.attrs.lower) },
  samples: [true, false].flatMap((lower) => [
    { attrs: { lower }, inputs: [f32(3, 3), f32(3, 2)], ranges: [[-1, 1], [-2, 2]], diagonal: [2.5, 0] },
    { attrs: { lower }, inputs: [f32(2, 4, 4), f32(2, 4, 1)], ranges: [[-1, 1], [-2, 2]], diagonal: [2.5, 0] },
    { attrs: { lower }, inputs: [f32(1, 1), f32(1, 3)], ranges: [[-1, 1], [-2, 2]], diagonal: [2.5, 0] },
  ] as const),
  latex: ({ lower }, args) => `\\operatorname{${lower ? "tril" : "triu"}}\\left(${arg(args, 0)}\\right)^{-1} ${atom(arg(args, 1))}`,
};

/** By substitution, from the row that has one unknown. */
function solved(a: Tensor64, b: Tensor64, lower: boolean): Tensor64 {
  const n = a.shape.at(-1) ?? 0;
  const m = b.shape.at(-1) ?? 0;
  const batch = elements(a.shape.slice(0, -2));
  const x = new Float64Array(b.data.length);
  for (let entry = 0; entry < batch; entry++) {
    const [startA, startX] = [entry * n * n, entry * n * m];
    for (let turn = 0; turn < n; turn++) {
      const i = lower ? turn : n - 1 - turn;
      for (let c = 0; c < m; c++) {
        let rest = b.data[startX + i * m + c] ?? 0;
        for (let k = lower ? 0 : i + 1; k < (lower ? i : n); k++) rest -= (a.data[startA + i * n + k] ?? 0) * (x[startX + k * m + c] ?? 0);
        x[startX + i * m + c] = rest / (a.data[startA + i * n + i] ?? 1);
      }
    }
  }
  return { shape: b.shape, data: x };
}

function solve(e: Emit, a: Node, b: Node, lower: boolean): Node {
  return e.make("triangular_solve", { lower }, [a, b]);
}

/** The last two axes exchanged. */
function transposed(e: Emit, x: Node): Node {
  const axes = axesOf(x.type.shape);
  return e.transpose(x, [...axes.slice(0, -2), axes.length - 1, axes.length - 2]);
}

/** x y for each entry of the batch. */
function product(e: Emit, x: Node, y: Node): Node {
  const rank = x.type.shape.length;
  const batch = axesOf(x.type.shape).slice(0, -2);
  return e.contract(x, y, [...batch, rank, rank + 1], [...batch, rank + 1, rank + 2], [...batch, rank, rank + 2]);
}

/** One triangle with its diagonal, which is scaled; 0 elsewhere. */
function triangle(e: Emit, x: Node, diagonal: number, lower = true): Node {
  const { shape } = x.type;
  const place = (axis: number): Node => e.broadcast(e.iota(shape[axis] as Dim), shape, [axis]);
  const [row, column] = [place(shape.length - 2), place(shape.length - 1)];
  const holds = (relation: Relation): Node => e.compare(relation, row, column);
  const strictly = e.select(holds(lower ? ">" : "<"), x, e.like(x, 0));
  if (diagonal === 1) return e.select(holds(lower ? ">=" : "<="), x, e.like(x, 0));
  return e.select(holds("=="), e.mul(x, e.like(x, diagonal)), strictly);
}
