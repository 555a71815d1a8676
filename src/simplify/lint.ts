/**
 * What stayed unstable although normalise looked at it: the logarithm of something that can be 0, a division by it, a
 * root whose gradient is infinite there, and a quotient of two exponentials that overflow. Comes in: a normalised graph,
 * before differentiation. Goes out: warnings W0202 at the user's lines, one per node.
 *
 *     log(sum[k] w[k] * exp(-d[n, k]))     the sum is 0 as soon as each exponential underflows
 *
 * Invariant: silent where the formula itself does not say that the value is reached: of data and parameters, which may
 * be anything, nothing is claimed, and what a choice (`where`, `cases`, a guard) protects is left alone.
 */
import type { Graph, Node } from "../ir/node.ts";
import type { Diagnostic } from "../support/diagnostic.ts";
import type { Pass } from "../support/trace.ts";
import { placesOf, type TextContext } from "../graph/places-of.ts";
import { rootsOf, topological } from "../graph/walk.ts";
import { isSquares } from "../ops/operands.ts";
import { type Bounds, boundsOnDemand } from "./bounds.ts";
import { splatOf } from "./match.ts";
import { isShifted } from "./rules/softmax.ts";

/** The interval of a node. */
type Of = (node: Node | undefined) => Bounds;

/** A pass that changes nothing and adds to `warnings`. Initial values are computed once, and left alone. */
export function lintBy(context: TextContext, warnings: Diagnostic[]): Pass<Graph, Graph> {
  const of = boundsOnDemand();
  return {
    name: "lint",
    doc: "Warns of formulas that no stable form was found for.",
    run: (graph) => {
      if (graph.entry !== "init") warnings.push(...lintStability(graph, context, of));
      return graph;
    },
  };
}

/** The warnings of one entry. */
export function lintStability(graph: Graph, context: TextContext, of: Of = boundsOnDemand()): readonly Diagnostic[] {
  const found: Diagnostic[] = [];
  const order = withBodies(rootsOf(graph));
  // What updates read is guarded: they are kept only while everything is finite.
  const open = unguarded(order, [...graph.outputs.filter((o) => o.kind !== "early"), ...graph.commits].map((o) => o.node));
  // Asked for of few nodes, mostly of none.
  let learning: ReadonlySet<Node> | undefined;
  const learns = (node: Node): boolean => {
    learning ??= differentiated(order);
    return learning.has(node);
  };
  for (const node of order) {
    const trouble = open[node.id] ? troubleOf(node, of, learns) : undefined;
    if (!trouble) continue;
    const [at, ...more] = placesOf(graph, node, context);
    if (at) found.push({ code: "W0202", severity: "warning", message: trouble.message, span: at.span, label: at.text || trouble.label, ...(more.length > 0 && { related: more }), hint: trouble.hint });
  }
  return found;
}

/** All nodes, those of loop bodies included, inputs before users. */
function withBodies(roots: readonly Node[]): readonly Node[] {
  const order = topological(roots);
  if (!order.some((n) => n.op === "loop")) return order;
  const all: Node[] = [];
  for (const node of order) {
    if (node.op === "loop") all.push(...withBodies(node.attrs.body.results));
    all.push(node);
  }
  return all;
}

/** By id: the nodes that some root reads without a choice in between that could leave them out. */
function unguarded(order: readonly Node[], roots: readonly Node[]): Uint8Array {
  const open = new Uint8Array(1 + order.reduce((most, node) => Math.max(most, node.id), 0));
  for (const root of roots) open[root.id] = 1;
  for (let i = order.length - 1; i >= 0; i--) {
    const node = order[i];
    if (!node || !open[node.id]) continue;
    const masked = node.op === "reduce" && node.inputs.length > 1;
    const read = node.op === "select" ? node.inputs.slice(0, 1) : masked ? node.inputs.slice(1) : node.inputs;
    for (const x of read) open[x.id] = 1;
    if (node.op === "loop") for (const x of node.attrs.body.results) open[x.id] = 1;
  }
  return open;
}

/** The nodes that a gradient goes through: a derivative's value needs them, and they need what it is taken by. */
function differentiated(order: readonly Node[]): ReadonlySet<Node> {
  const forms = order.flatMap((n) => (n.op === "derive" ? [n] : []));
  const wrts = new Set(forms.map((n) => n.inputs[1]));
  const depends = new Set<Node>();
  for (const node of order) if (wrts.has(node) || (node.op !== "stop" && node.inputs.some((x) => depends.has(x)))) depends.add(node);
  const needed = new Set<Node | undefined>(forms.map((n) => n.inputs[0]));
  for (let i = order.length - 1; i >= 0; i--) {
    const node = order[i];
    if (node && needed.has(node) && node.op !== "stop") for (const x of node.inputs) needed.add(x);
  }
  return new Set(order.filter((n) => depends.has(n) && needed.has(n)));
}

interface Trouble {
  readonly message: string;
  readonly label: string;
  readonly hint: string;
}

const most = (least: number): string => `reaches ${Number(least.toPrecision(3))}`;

function troubleOf(node: Node, of: Of, learns: (node: Node) => boolean): Trouble | undefined {
  if (node.type.dtype !== "f32") return undefined;
  const [x, y] = node.inputs;
  const a = of(x);
  switch (node.op) {
    case "log": {
      if (!Number.isFinite(a.lo) || a.lo > 0) return undefined;
      const hint = holds(x, "exp") ? "write it as one `logsumexp`, or add the exponents instead of multiplying" : "keep it above 0: `max(x, 1e-7)`, or take the logarithm of each factor";
      return { message: `this logarithm is not finite where its argument ${most(a.lo)}`, label: `its argument ${most(a.lo)}`, hint };
    }
    case "log1p":
      if (!Number.isFinite(a.lo) || a.lo > -1) return undefined;
      return { message: "this logarithm is not finite where its argument reaches 0", label: "its argument reaches 0", hint: "keep it above 0: `max(x, 1e-7)`" };
    case "div": {
      const b = of(y);
      if (grows(x, of) && grows(y, of)) {
        return { message: "numerator and denominator both overflow in this quotient of exponentials", label: "infinity by infinity", hint: "multiply both by exp(-x), or use `softmax`, `sigmoid` or `tanh`" };
      }
      if (!(Number.isFinite(b.lo) && b.lo === 0) && !(Number.isFinite(b.hi) && b.hi === 0)) return undefined;
      // A parameter's square, a width say, and a sum of exponentials are divisors as formulas have them; they are 0 by chance alone.
      if (y && (isBareSquare(y) || (isSum(y) && holds(y, "exp")))) return undefined;
      const root = y && under(y, "sqrt");
      const hint = root ? "add a small number under the root: `sqrt(e + 1e-12)`" : "add a small number to the divisor, or keep it away from 0: `max(d, 1e-7)`";
      return { message: "this divides by a value that reaches 0", label: "its divisor reaches 0", hint };
    }
    case "sqrt":
      if (a.lo !== 0 || (x && isSquares(x)) || !learns(node)) return undefined;
      return { message: "the gradient of this root is infinite where its argument reaches 0", label: "its argument reaches 0", hint: "add a small number under the root: `sqrt(e + 1e-12)`" };
    case "pow":
      if (a.lo !== 0 || node.attrs.exponent >= 1 || (node.attrs.exponent > 0 && x && isSquares(x))) return undefined;
      if (node.attrs.exponent < 0) return { message: "this divides by a value that reaches 0", label: "its base reaches 0", hint: "add a small number to the base" };
      return learns(node) ? { message: "the gradient of this power is infinite where its base reaches 0", label: "its base reaches 0", hint: "add a small number to the base" } : undefined;
    default:
      return undefined;
  }
}

/** The operand of the nearest node of an op, through views. */
function under(node: Node, op: Node["op"]): Node | undefined {
  let at: Node | undefined = node;
  while (at && (at.op === "view" || at.op === "reshape")) at = at.inputs[0];
  return at?.op === op ? at.inputs[0] : undefined;
}

/** Through what only rearranges, or scales by a number. */
function core(node: Node): Node {
  let at = node;
  for (;;) {
    const [x, y] = at.inputs;
    if (x && (at.op === "view" || at.op === "reshape" || at.op === "mark" || at.op === "stop")) at = x;
    else if (at.op === "mul" && x && y && splatOf(x) !== undefined) at = y;
    else if (at.op === "mul" && x && y && splatOf(y) !== undefined) at = x;
    else return at;
  }
}

/** The square of a leaf, element by element. */
function isBareSquare(node: Node): boolean {
  const at = core(node);
  const [x, y] = at.inputs;
  const squared = (at.op === "mul" && x === y) || (at.op === "pow" && at.attrs.exponent % 2 === 0);
  return squared && x !== undefined && core(x).op === "leaf";
}

function isSum(node: Node): boolean {
  const { op } = core(node);
  return op === "reduce" || op === "contract" || op === "scatter_sum";
}

/** Whether an exponential stands a few sums and products down. */
function holds(node: Node | undefined, op: Node["op"], depth = 6): boolean {
  if (!node || depth === 0) return false;
  if (node.op === op) return true;
  return ["add", "mul", "view", "reduce", "contract", "reshape"].includes(node.op) && node.inputs.some((x) => holds(x, op, depth - 1));
}

/** Whether it grows like an exponential that nothing bounds. */
function grows(node: Node | undefined, of: Of, depth = 6): boolean {
  if (!node || depth === 0) return false;
  if (node.op === "exp") return of(node).hi === Number.POSITIVE_INFINITY && node.inputs[0] !== undefined && !isShifted(node.inputs[0]);
  return ["add", "neg", "view", "reduce", "reshape"].includes(node.op) && node.inputs.some((x) => grows(x, of, depth - 1));
}
