/**
 * Who made the first number that is not finite. In: a graph, the value of each of its nodes, the nodes that went wrong. Out:
 * the node at fault with its operands' ranges, as a diagnostic at its line.
 *
 *     line.dl:5:10 - error E0606: not a finite number at update 3: the logarithm of 0 is -infinity
 *
 * A value is at fault when it is broken and nothing that it is made of is. From what went wrong the search goes back only to
 * operands that matter: a branch that a choice takes, elements that a mask keeps. Functions that would overflow saturate at
 * the largest f32 on a device, so a value of that size counts as broken once something that was made of it is.
 */
import { placesOf, type TextContext } from "../graph/places-of.ts";
import { topological } from "../graph/topological.ts";
import type { Graph, Node, OpName } from "../ir/node.ts";
import type { Tensor64 } from "../ops/op.ts";
import { table } from "../ops/table.ts";
import { indexAt } from "../ops/tensor64.ts";
import type { Diagnostic, Label } from "../support/diagnostic.ts";
import type { Span } from "../support/span.ts";
import { causeOf, printOperands } from "./cause.ts";

/** What to search. */
export interface BlameOptions {
  readonly graph: Pick<Graph, "origins">;
  readonly values: ReadonlyMap<Node, Tensor64>;
  /** What should have been finite: the loss first, then gradients. */
  readonly watched: readonly Node[];
  readonly text: TextContext;
  /** Where a parameter, state or input is declared. */
  readonly declared: (path: string) => Span | undefined;
  /** Starts the message: `not a finite number at update 3`. */
  readonly what: string;
}

/** The fault that was found. */
export interface Blame {
  readonly node: Node;
  readonly diagnostic: Diagnostic;
}

/** The largest f32, where functions saturate. */
const largest = 3.4028234663852886e38;

/** Operations whose formulas end at the largest number, and the maximum over nothing, which is the lowest. */
const saturating: ReadonlySet<OpName> = new Set<OpName>(["exp", "expm1", "pow", "reduce"]);

/** Neither finite nor, for what was made of it, below the largest number. */
export function isBroken(v: number): boolean {
  return !(Math.abs(v) < largest);
}

/** The values that every update waits for, in the order of a step's graph: loss, then gradients. */
export function watchedIn(graph: Graph): readonly Node[] {
  const status = graph.outputs.find((o) => o.kind === "status");
  if (!status) return [];
  const watched = topological([status.node]).flatMap((n) => (n.op === "finite" ? n.inputs : []));
  const losses = new Set(graph.outputs.flatMap((o) => (o.kind === "loss" ? [o.node] : [])));
  return [...watched.filter((n) => losses.has(n)), ...watched.filter((n) => !losses.has(n))];
}

/** The first fault in the order of evaluation; undefined where everything watched is finite. */
export function blame(options: BlameOptions): Blame | undefined {
  const { values, watched } = options;
  const node = faultOf(values, watched);
  return node && { node, diagnostic: diagnosticOf(node, options) };
}

function faultOf(values: ReadonlyMap<Node, Tensor64>, watched: readonly Node[]): Node | undefined {
  const has = (n: Node, what: (v: number) => boolean): boolean => n.type.dtype === "f32" && (values.get(n)?.data.some(what) ?? false);
  const order = topological(watched);
  // Broken, or of the largest size for a reason other than that someone wrote that number down.
  const suspects = new Set<Node>();
  for (const n of order) if (has(n, (v) => !Number.isFinite(v)) || (has(n, isBroken) && (saturating.has(n.op) || causesOf(n, values, suspects).length > 0))) suspects.add(n);
  const faults = new Set<Node>();
  const seen = new Set<Node>();
  const work = watched.filter((n) => has(n, (v) => !Number.isFinite(v)));
  for (let n = work.pop(); n; n = work.pop()) {
    if (seen.has(n)) continue;
    seen.add(n);
    const causes = causesOf(n, values, suspects);
    if (causes.length === 0) faults.add(n);
    work.push(...causes);
  }
  return order.find((n) => faults.has(n));
}

/** The operands whose broken elements may be why this one has some. */
function causesOf(node: Node, values: ReadonlyMap<Node, Tensor64>, suspects: ReadonlySet<Node>): readonly Node[] {
  const out = values.get(node)?.data ?? [];
  const broken = (x: Node | undefined, counts: (i: number) => boolean): Node[] => (x && suspects.has(x) && values.get(x)?.data.some((v, i) => isBroken(v) && counts(i)) ? [x] : []);
  const [x, y, z] = node.inputs;
  if (node.op === "select" && x) {
    const condition = values.get(x)?.data ?? [];
    return [...broken(y, (i) => condition[i] !== 0 && isBroken(out[i] ?? 0)), ...broken(z, (i) => condition[i] === 0 && isBroken(out[i] ?? 0))];
  }
  if (node.op === "reduce" && y) return broken(x, (i) => values.get(y)?.data[i] !== 0);
  const elementwise = table[node.op].class === "elementwise";
  return [...new Set(node.inputs)].flatMap((i) => broken(i, (k) => !elementwise || isBroken(out[k] ?? 0)));
}

function diagnosticOf(node: Node, { graph, values, text, declared, what }: BlameOptions): Diagnostic {
  const tensors = node.inputs.map((x) => values.get(x));
  const own = values.get(node) ?? { shape: [], data: new Float64Array() };
  const first = own.data.findIndex((v) => isBroken(v));
  const at = own.shape.length === 0 ? "" : ` at [${indexAt(first, own.shape).join(", ")}]`;
  const count = own.data.reduce((n, v) => n + (isBroken(v) ? 1 : 0), 0);
  const many = own.data.length > 1 ? `${count} of ${own.data.length} elements` : "";
  if (node.op === "leaf") {
    const { kind, path } = node.attrs;
    const span = declared(path) ?? placesOf(graph, node, text)[0]?.span;
    const input = kind === "input";
    return {
      code: "E0606", severity: "error", message: `${what}: ${input ? "the data of" : kind === "param" ? "the parameter" : "the value of"} \`${path}\` ${input ? "hold" : "holds"} ${printNumber(own.data[first])}${at}`,
      ...(span && { span, label: many === "" ? "not finite" : `not finite in ${many}` }),
      hint: input ? "an example like this one has to be left out, or mended" : "an update before this one made it so large: a smaller learning rate, or `clip = norm(1.0)`, often helps",
    };
  }
  const cause = causeOf(node, tensors, first);
  const [place, ...more] = placesOf(graph, node, text);
  const origin = graph.origins.get(node);
  const gradient = origin?.reason?.startsWith("gradient of") ?? false;
  const label = [gradient ? "in the gradient of this" : "", printOperands(node, tensors), many].filter((part) => part !== "").join("; ");
  const related: readonly Label[] = [...(place?.text ? [{ span: place.span, text: place.text }] : []), ...more];
  return {
    code: "E0606", severity: "error", message: `${what}: ${gradient ? "in a gradient, " : ""}${cause.message}`,
    ...(place && { span: place.span, label: place.text ? `${place.text}: ${label}` : label }),
    ...(related.length > (place?.text ? 1 : 0) && { related: related.slice(place?.text ? 1 : 0) }),
    hint: cause.hint,
  };
}

function printNumber(v: number | undefined): string {
  return v === undefined || Number.isNaN(v) ? "NaN" : v > 0 ? "infinity" : "-infinity";
}
