/**
 * An entry in two, for data too large for one run. In: a graph that stores nothing. Out: `part`, which runs over some examples at a
 * time, and `whole`, which runs once over what the parts gave. Together they compute what the entry computes over all examples
 * at once, whatever it does with them: nothing is averaged.
 *
 *     auc = roc_auc(p[:, 1], y)      part: p[:, 1], a row an example        whole: the area, from all rows
 *     rmse(p, y)                     part: Σ (p - y)², to be added up        whole: the root of the sum over the number
 *     output p                       part: its rows, which are the output
 *
 * The cut goes where what is made example by example meets what mixes examples: at sums over examples, which add up; else at
 * the rows themselves, those before a cheap operation where they are narrower (a label, not its one-hot row).
 */
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import type { Graph, Node, Output } from "../ir/node.ts";
import { tensor } from "../ir/types.ts";
import type { Pass } from "../support/trace.ts";
import { table } from "../ops/table.ts";
import { addsExamples, byExample, type Dependence } from "./by-example.ts";
import type { EntryName } from "./build.ts";
import { Builder } from "./builder.ts";
import { rebuildGraph } from "./walk.ts";
import { topological } from "./topological.ts";
import { verifyGraph } from "./verify-graph.ts";

/** The inputs that tell a part how many examples there are in all, and the number of its first. */
export const partInputs = { count: "examples in all", first: "first example" } as const;

/** The two graphs, and the value that each gathered input of `whole` stands for. */
export interface SplitGraph {
  readonly part: Graph;
  readonly whole: Graph;
  readonly gathered: ReadonlyMap<string, Node>;
}

/** The halves of an entry, by name. */
export type SplitEntry = `${"evaluate" | "predict" | "gradients" | "export"}.${"part" | "whole"}`;

/** Which half of which entry a name stands for. */
export function splitOf(name: string): { readonly entry: EntryName; readonly half: "part" | "whole" } | undefined {
  const [, entry, half] = /^(evaluate|predict|gradients|export)\.(part|whole)$/.exec(name) ?? [];
  return entry === undefined ? undefined : { entry: entry as EntryName, half: half as "part" | "whole" };
}

/** The pass that splits a graph whose examples are counted by `batch`. */
export function splitBy(batch: string): Pass<Graph, SplitGraph> {
  return {
    name: "split", doc: "Takes what is made example by example from what is made of all examples.",
    run: (graph) => splitByExample(graph, batch), verify: ({ part, whole }) => [part, whole].forEach((g) => verifyGraph(g)),
  };
}

/** Splits a graph whose examples are counted by `batch`. */
export function splitByExample(graph: Graph, batch: string): SplitGraph {
  const builder = Builder.of(graph);
  const order = topological(graph.outputs.map((o) => o.node));
  const found = byExample(order, batch);
  const of = (x: Node): Dependence => found.get(x) ?? "mixed";
  // Rows that begin with the example are results as they are; the rest is for the whole.
  const own = graph.outputs.filter((o) => of(o.node) === 0);
  const rest = graph.outputs.filter((o) => of(o.node) !== 0);
  const cuts = frontier(rest.map((o) => o.node), order, of);
  const gathered = new Map<string, Node>();
  const outputs: Output[] = [...own];
  const given = new Map<Node, Node>();
  for (const [node, kind] of cuts) {
    const name = `${kind} ${gathered.size}`;
    gathered.set(name, node);
    const { leaf, sent } = builder.withOrigin(builder.originOf(node), () => through(builder, node, kind === "rows" ? (of(node) as number) : undefined, name));
    outputs.push({ name, kind, node: sent });
    given.set(node, leaf);
  }
  return {
    part: rebuildGraph(builder.finish(`${graph.entry}.part`, outputs, []), builder, undefined, { became: counted(builder, order, batch) }),
    whole: rebuildGraph(builder.finish(`${graph.entry}.whole`, rest, []), builder, undefined, { became: given }),
    gathered,
  };
}

type Cut = "rows" | "sum";

/** The values that the roots need of the parts. */
function frontier(roots: readonly Node[], order: readonly Node[], of: (x: Node) => Dependence): ReadonlyMap<Node, Cut> {
  const passed = wider(order, of);
  const cuts = new Map<Node, Cut>();
  const seen = new Set<Node>();
  const waiting = [...roots];
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    if (node.op === "leaf") continue;
    if (typeof of(node) === "number" && !passed.has(node)) cuts.set(node, "rows");
    else if (addsExamples(node, of)) cuts.set(node, "sum");
    else waiting.push(...node.inputs);
  }
  return new Map([...cuts].sort(([a], [b]) => a.id - b.id));
}

/** Rows that are cheap to make from rows with fewer numbers in all. */
function wider(order: readonly Node[], of: (x: Node) => Dependence): ReadonlySet<Node> {
  const cost = new Map<Node, number>();
  const found = new Set<Node>();
  for (const node of order) {
    const axis = of(node);
    if (typeof axis !== "number") continue;
    const width = node.type.shape.reduce<number>((n, d, a) => (a === axis ? n : n * (typeof d === "number" ? d : 1)), 1);
    const cheap = ["const", "iota", "random", "view", "reshape"].includes(node.op) || table[node.op].class === "elementwise";
    const before = [...new Set(node.inputs)].reduce((sum, x) => sum + (cost.get(x) ?? 0), 0);
    if (cheap && before < width) found.add(node);
    // Inputs are at hand, and need not be read back.
    cost.set(node, node.op === "leaf" ? width / 2 : cheap ? Math.min(before, width) : width);
  }
  return found;
}

/** A value as a part sends it and as the whole takes it: examples first, and numbers for truth values. */
function through(e: Builder, node: Node, axis: number | undefined, name: string): { readonly sent: Node; readonly leaf: Node } {
  const { shape, dtype } = node.type;
  const rest = shape.map((_, a) => a).filter((a) => a !== axis);
  const order = axis === undefined ? rest : [axis, ...rest];
  const number = dtype === "bool" ? e.cast(node, "i32") : node;
  const leaf = e.leaf({ kind: "input", path: name, type: tensor(number.type.dtype, order.map((a) => shape[a] as Dim)) });
  const back = e.transpose(leaf, shape.map((_, a) => order.indexOf(a)));
  return { sent: e.transpose(number, order), leaf: dtype === "bool" ? e.compare("!=", back, e.like(back, 0)) : back };
}

/** In a part, the number of examples and the numbers of its own come from outside. */
function counted(e: Builder, order: readonly Node[], batch: string): Map<Node, Node> {
  const number = (path: string): Node => e.leaf({ kind: "input", path, type: tensor("i32", []) });
  const became = new Map<Node, Node>();
  for (const node of order) {
    if (node.op === "size" && dims.symbolsOf(node.attrs.dim).includes(batch)) became.set(node, polynomial(e, node.attrs.dim, (s) => (s === batch ? number(partInputs.count) : e.size(dims.sym(s)))));
    if (node.op === "iota" && dims.symbolsOf(node.attrs.extent).includes(batch)) became.set(node, e.add(node, e.broadcast(number(partInputs.first), [node.attrs.extent], [])));
  }
  return became;
}

function polynomial(e: Builder, dim: Dim, of: (symbol: string) => Node): Node {
  const terms = typeof dim === "number" ? [{ coefficient: dim, symbols: [] }] : dim.terms;
  return terms.map(({ coefficient, symbols }) => [...symbols.map(of), ...(coefficient === 1 && symbols.length > 0 ? [] : [e.scalar(coefficient, "i32")])].reduce((p, s) => e.mul(p, s))).reduce((a, b) => e.add(a, b));
}
