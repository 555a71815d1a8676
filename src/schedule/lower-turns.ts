/**
 * Lowers an op whose elements follow from each other: each turn reads what the turns before it stored. In: the op's group and where it
 * is stored. Out: a nest with a loop in turns; what the turns of different lines or matrices do is independent.
 *
 *     cumsum         parallel the other axes; turns t: store out[t] = load out[t-1] + x[t]
 *     cholesky       parallel the batch; turns j: d = √(A[j,j] - Σ_{k<j} L[j,k]²); each i: store L[i,j] = (A[i,j] - Σ_{k<j} L[i,k] L[j,k]) / d
 *     triangular     parallel the batch and the right sides; turns i: store x[i] = (b[i] - Σ_{k<i} A[i,k] x[k]) / A[i,i]
 *
 * Work is that of the textbook: n, n³/3 and n²; loops over k end at the turn.
 */
import type { Buffer, Nest } from "../ir/kernel.ts";
import type { Dim } from "../ir/dims.ts";
import type { Node, NodeOf } from "../ir/node.ts";
import { constant, op } from "../ir/scalar.ts";
import type { Scalar } from "../ir/scalar.ts";
import { invariant } from "../support/diagnostic.ts";
import { Elements } from "./elements.ts";
import { addIndex, fixed, scaleIndex, toScalar } from "./index-form.ts";
import type { Index } from "./index-form.ts";
import { address, atLeast } from "./index-maps.ts";
import { nameOf, nodesOf } from "./lower-nest.ts";
import type { NestInput } from "./lower-nest.ts";
import { NestBuilder } from "./nest-builder.ts";
import { tidyLets } from "./tidy-lets.ts";

/** What the lowerings share: the builder, elements of operands, and the result's own memory. */
interface Site {
  readonly b: NestBuilder;
  readonly element: (node: Node, index: readonly Index[], when?: Scalar) => Scalar;
  /** An element that an earlier turn stored; 0 where the condition says that there is none. */
  readonly own: (index: readonly Index[], when?: Scalar) => Scalar;
  readonly store: (index: readonly Index[], value: Scalar) => void;
}

export function lowerTurns({ group, stores, around, capacity }: NestInput): Nest {
  const [node] = group.members as readonly [Node];
  const b = new NestBuilder(capacity);
  const elements = new Elements(b, around);
  const buffers = stores.get(node) as readonly [Buffer, ...Buffer[]];
  const at = (index: readonly Index[]): Scalar => toScalar(address(b, node.type.shape, index));
  const site: Site = {
    b,
    element: (x, index, when) => elements.element(x, index, when),
    own: (index, when) => (when?.kind === "constant" ? constant(0, node.type.dtype) : b.load(buffers[0], at(index), when)),
    store: (index, value) => {
      for (const buffer of buffers) b.store(buffer, at(index), value);
    },
  };
  const parallel = parallelAxes(node).map((a) => b.parallel(`i${a}`, node.type.shape[a] ?? 1));
  const row = parallel.map((a) => b.indexOf(a));
  if (node.op === "cumsum") runningSum(site, node, row);
  else if (node.op === "cholesky") factor(site, node, row);
  else if (node.op === "triangular_solve") substitution(site, node, row);
  else invariant(false, "schedule", `${node.op} %${node.id} does not go in turns`);
  const nodes = nodesOf(group, around);
  return { name: nameOf(nodes), parallel, body: tidyLets(b.body()), params: b.params, nodes, why: group.why, shape: "turns" };
}

/** The axes along which nothing follows from anything. */
function parallelAxes(node: Node): readonly number[] {
  const rank = node.type.shape.length;
  const serial = node.op === "cumsum" ? [node.attrs.axis] : node.op === "cholesky" ? [rank - 2, rank - 1] : [rank - 2];
  return node.type.shape.map((_, a) => a).filter((a) => !serial.includes(a));
}

function runningSum({ b, element, own, store }: Site, node: NodeOf<"cumsum">, row: readonly Index[]): void {
  const { axis, reverse, exclusive } = node.attrs;
  const { dtype, shape } = node.type;
  const extent = shape[axis] ?? 1;
  const index = (at: Index): readonly Index[] => [...row.slice(0, axis), at, ...row.slice(axis)];
  b.turns(`i${axis}`, extent, (turn) => {
    const at = reverse ? fromEnd(b, extent, turn) : turn;
    const before = addIndex(at, fixed(reverse ? 1 : -1));
    const later = atLeast(b, turn, 1);
    const sum = own(index(before), later);
    const x = element(node.inputs[0] as Node, index(exclusive ? before : at), exclusive ? later : undefined);
    const next = op("add", dtype, [sum, x]);
    store(index(at), exclusive && later ? op("select", dtype, [later, next, constant(0, dtype)]) : next);
  });
}

function factor({ b, element, own, store }: Site, node: NodeOf<"cholesky">, row: readonly Index[]): void {
  const x = node.inputs[0] as Node;
  const n = node.type.shape.at(-1) ?? 1;
  b.turns("j", n, (j) => {
    const squares = sumBelow(b, n, toScalar(j), (k) => {
      const l = own([...row, j, k]);
      return op("mul", "f32", [l, l]);
    });
    const diagonal = b.bind(op("sqrt", "f32", [minus(element(x, [...row, j, j]), squares)]));
    b.each("i", n, (i) => {
      const down = addIndex(i, scaleIndex(j, -1));
      const [from, under] = [atLeast(b, down, 0) ?? constant(1, "bool"), atLeast(b, down, 1) ?? constant(1, "bool")];
      const upto = b.bind(op("select", "i32", [from, toScalar(j), constant(0, "i32")]));
      const dots = sumBelow(b, n, upto, (k) => op("mul", "f32", [own([...row, i, k]), own([...row, j, k])]));
      const below = op("div", "f32", [minus(element(x, [...row, i, j]), dots), diagonal]);
      store([...row, i, j], op("select", "f32", [under, below, op("select", "f32", [from, diagonal, constant(0)])]));
    });
  });
}

function substitution({ b, element, own, store }: Site, node: NodeOf<"triangular_solve">, row: readonly Index[]): void {
  const [a, right] = node.inputs as readonly [Node, Node];
  const { lower } = node.attrs;
  const n = a.type.shape.at(-1) ?? 1;
  const [batch, column] = [row.slice(0, -1), row.slice(-1)];
  const place = (turn: Index): Index => (lower ? turn : fromEnd(b, n, turn));
  b.turns("i", n, (turn) => {
    const i = place(turn);
    const dots = sumBelow(b, n, toScalar(turn), (k) => op("mul", "f32", [element(a, [...batch, i, place(k)]), own([...batch, place(k), ...column])]));
    const rest = minus(element(right, [...batch, i, ...column]), dots);
    store([...batch, i, ...column], op("div", "f32", [rest, element(a, [...batch, i, i])]));
  });
}

/** Position `turn` counted from the end. */
function fromEnd(b: NestBuilder, extent: Dim, turn: Index): Index {
  return addIndex(addIndex(b.size(extent), fixed(-1)), scaleIndex(turn, -1));
}

/** Σ over k in 0 .. end - 1, in the innermost scope; of an extent of 1 there is nothing below the only turn. */
function sumBelow(b: NestBuilder, extent: Dim, end: Scalar, value: (k: Index) => Scalar): Scalar {
  if (extent === 1) return constant(0);
  const [sum] = b.fold("sum", "f32", [extent], b.depth, ([k]) => ({ value: value(k ?? fixed(0)) }), end);
  return sum as Scalar;
}

function minus(x: Scalar, y: Scalar): Scalar {
  return op("sub", "f32", [x, y]);
}
