/**
 * The nodes of a graph as a reader meets them: a symbol, a formula in terms of other symbols, the type, the source
 * lines, which side of the training step they belong to, and the kernel that computes them.
 *
 * Constants, broadcasts and other views are written into the formulas of their users; every other node has a symbol.
 *
 *     { symbol: "v_{4}", latex: "v_{4} = \\max(v_{3}, 0)", type: "f32[N, 4]", lines: [{ file: 0, line: 8 }], side: "forward", kernel: "dense_relu" }
 */
import { topological } from "../graph/walk.ts";
import type { Kernel } from "../ir/kernel.ts";
import type { Graph, Node, OpName } from "../ir/node.ts";
import { printType } from "../ir/types.ts";
import { table } from "../ops/table.ts";
import type { OpRecord } from "../ops/op.ts";
import { positionOf, type Source } from "../support/span.ts";

export type Side = "forward" | "gradient" | "update";

/** A 1-based line of a program's file: 0 is the first file, others are those it uses. */
export interface SourceLine {
  readonly file: number;
  readonly line: number;
}

export interface NodeView {
  readonly node: Node;
  readonly id: number;
  readonly symbol: string;
  readonly latex: string;
  readonly type: string;
  /** Lines of the program's files, in order. */
  readonly lines: readonly SourceLine[];
  readonly reason?: string;
  readonly side: Side;
  readonly kernel?: string;
  /** Shown nodes that its formula mentions. */
  readonly uses: readonly number[];
  /** Output names and committed paths. */
  readonly roles: readonly string[];
}

/** Written into the formulas of their users. */
const inlined: ReadonlySet<OpName> = new Set(["const", "view", "reshape", "cast", "stop", "size", "iota"]);

/** Longest formula that is written into its user's, in characters of LaTeX. */
const longestInline = 200;

/** The shown nodes of a graph, inputs before users; `sources` are the files whose lines are named, `became` what kernels have for each node. */
export function describeNodes(graph: Graph, kernels: readonly Kernel[], sources: readonly Source[], became: ReadonlyMap<Node, Node>): readonly NodeView[] {
  const roots = [...graph.outputs.map((o) => o.node), ...graph.commits.map((c) => c.node)];
  const order = topological(roots);
  const sides = sidesOf(graph, order);
  const kernelOf = new Map(kernels.flatMap((k) => k.nests.flatMap((n) => n.nodes.map((node) => [node, k.name] as const))));
  const rolesOf = new Map<Node, string[]>();
  for (const o of graph.outputs) rolesOf.set(o.node, [...(rolesOf.get(o.node) ?? []), o.name]);
  for (const c of graph.commits) rolesOf.set(c.node, [...(rolesOf.get(c.node) ?? []), `${c.path} ←`]);
  const named = namesOf(graph, order);
  const text = new Map<Node, { readonly latex: string; readonly uses: ReadonlySet<number> }>();
  const ids = new Map<Node, number>();
  const shown: NodeView[] = [];
  for (const node of order) {
    const args = node.inputs.map((i) => text.get(i) ?? { latex: "?", uses: new Set<number>() });
    const formula = formulaOf(node, args.map((a) => a.latex));
    const uses = new Set(args.flatMap((a) => [...a.uses]));
    if (inlined.has(node.op) && formula.length <= longestInline && !rolesOf.has(node)) {
      text.set(node, { latex: formula, uses });
      continue;
    }
    const id = shown.length;
    ids.set(node, id);
    const symbol = symbolOf(node, id, named.get(node));
    text.set(node, { latex: `{${symbol}}`, uses: new Set([id]) }); // braced: a user may add a subscript
    const origin = graph.origins.get(node);
    const lines = new Map<string, SourceLine>();
    for (const { source, start } of origin?.spans ?? []) {
      const file = sources.findIndex((s) => s.path === source.path);
      const { line } = positionOf(source, start);
      if (file >= 0) lines.set(`${file}:${line}`, { file, line });
    }
    const kernel = kernelOf.get(became.get(node) ?? node);
    shown.push({
      node, id, symbol, type: printType(node.type), side: sides.get(node) ?? "forward",
      latex: node.op === "leaf" ? symbol : `${symbol} = ${formula}`,
      lines: [...lines.values()].sort(inTextOrder),
      uses: [...uses].sort((a, b) => a - b),
      roles: rolesOf.get(node) ?? [],
      ...(origin?.reason !== undefined && { reason: origin.reason }),
      ...(kernel !== undefined && { kernel }),
    });
  }
  return shown;
}

/** The first file's lines, then those of the files it uses. */
export function inTextOrder(a: SourceLine, b: SourceLine): number {
  return a.file - b.file || a.line - b.line;
}

function formulaOf<K extends OpName>(node: Node & { readonly op: K }, args: readonly string[]): string {
  // The table pairs each op's record with its own attributes; TypeScript cannot follow the pairing through the union.
  const record = table[node.op] as unknown as OpRecord<K>;
  return record.latex(node.attrs as never, args);
}

/** What the loss and outputs need is forward; what a derivative made is gradient; the rest updates. */
function sidesOf(graph: Graph, order: readonly Node[]): ReadonlyMap<Node, Side> {
  const forward = new Set(topological(graph.outputs.filter((o) => o.kind !== "gradient" && o.kind !== "status").map((o) => o.node)));
  return new Map(
    order.map((node) => {
      if (forward.has(node)) return [node, "forward"];
      return [node, /^gradient/.test(graph.origins.get(node)?.reason ?? "") ? "gradient" : "update"];
    }),
  );
}

/** The names of bindings, each on the last node that bears it: what rewriting put in its place may bear it as well. */
function namesOf(graph: Graph, order: readonly Node[]): ReadonlyMap<Node, string> {
  const last = new Map<string, Node>();
  for (const node of order) {
    const { name, reason } = graph.origins.get(node) ?? {};
    if (name && reason === undefined) last.set(name.text, node);
  }
  return new Map([...last].map(([name, node]) => [node, name]));
}

/** `Digits.h.W` is W_{h}, a binding has its name; anything else is v_{k}. */
function symbolOf(node: Node, id: number, name: string | undefined): string {
  if (node.op !== "leaf") return name === undefined ? `v_{${id}}` : latexName(name);
  const parts = node.attrs.path.split("/").flatMap((p) => p.split("."));
  const last = latexName(parts.at(-1) ?? "x");
  const owner = parts.slice(node.attrs.path.includes("/") ? 0 : 1, -1).map(latexName).join("\\,");
  return owner === "" ? last : `${last}_{${owner}}`;
}

/** A name as LaTeX text: single letters are set as variables. */
function latexName(name: string): string {
  return /^\p{L}$/u.test(name) ? name : `\\mathrm{${name.replace(/[\\{}$&#^_~%]/g, "\\_")}}`;
}
