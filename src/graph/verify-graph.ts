/**
 * Whether a graph keeps the invariants of ir/node.ts. In: a graph. Throws an InternalError that names the node.
 *
 *     verifyGraph(graph)                        // after build and after every pass
 *     verifyGraph(graph, { forms: false })      // after differentiate: no derive, custom or mark is left
 */
import * as dims from "../ir/dims.ts";
import type { Body, Graph, Node, NodeOf } from "../ir/node.ts";
import { printType, sameType } from "../ir/types.ts";
import type { TensorType } from "../ir/types.ts";
import { isRefusal } from "../ops/op.ts";
import type { OpRecord } from "../ops/op.ts";
import { table } from "../ops/table.ts";
import { InternalError } from "../support/diagnostic.ts";
import { nodeKey, printAttributes } from "./attributes.ts";
import { printResults } from "./body.ts";
import { topological } from "./topological.ts";
import { rootsOf } from "./walk.ts";

/** What is asked beyond the invariants. */
export interface VerifyOptions {
  /** False: derivative forms and marks are gone. */
  readonly forms?: boolean;
}

const formOps: ReadonlySet<string> = new Set(["derive", "custom", "mark"]);
const bodyLeafKinds: ReadonlySet<string> = new Set(["carry", "slice", "capture", "iteration"]);

/** Throws unless the graph holds together. */
export function verifyGraph(graph: Graph, options: VerifyOptions = {}): void {
  const roots = rootsOf(graph);
  verifyNodes(roots, options, undefined);
  for (const root of roots) if (root.op === "loop") fail(root, "is a result; loops are read through pick");
  once(graph.entry, "output", graph.outputs.map((o) => o.name));
  once(graph.entry, "commit", graph.commits.map((c) => c.path));
  for (const { node, name, kind } of graph.outputs) {
    if ((kind === "loss" || kind === "term") && (node.type.shape.length > 0 || node.type.dtype !== "f32")) fail(node, `is the ${kind} ${name} and no f32 scalar`);
  }
  for (const commit of graph.commits) {
    const [symbol] = commit.node.type.shape.flatMap(dims.symbolsOf);
    if (symbol !== undefined) fail(commit.node, `is committed to ${commit.path} and depends on ${symbol}`);
  }
  for (const node of topological(roots)) {
    const origin = graph.origins.get(node);
    if (origin && node.op === "const") fail(node, "is a constant and has an origin");
    if (origin && origin.spans.length > 16) fail(node, `has ${origin.spans.length} spans`);
  }
}

/** `loop` is the loop whose body is looked at. */
function verifyNodes(roots: readonly Node[], options: VerifyOptions, loop: NodeOf<"loop"> | undefined): void {
  const known = new Map<string, Node>();
  const order = topological(roots);
  for (const node of order) {
    for (const x of node.inputs) {
      if (x.id >= node.id) fail(node, `has input ${x.op} (node ${x.id}) with an id that is not lower`);
      if (x.op === "loop" && node.op !== "pick") fail(node, "reads a loop; loops are read through pick");
    }
    verifyType(node);
    const key = nodeKey(node.op, node.attrs, node.inputs);
    const twin = known.get(key);
    if (twin) fail(node, `equals node ${twin.id} and is another object`);
    known.set(key, node);
    if (options.forms === false && formOps.has(node.op)) fail(node, "is a form that differentiate removes");
    if (node.op === "leaf" && node.attrs.kind === "rule") {
      if (options.forms === false) fail(node, "stands for what a rule receives and is left over");
    } else if (node.op === "leaf") verifyLeaf(node, loop);
    if (node.op === "loop") verifyBody(node, node.attrs.body, options);
  }
}

function verifyType(node: Node): void {
  const record = table[node.op] as unknown as OpRecord<"add">;
  const type = record.type(node.attrs as Record<never, never>, node.inputs.map((x) => x.type), node.inputs);
  if (isRefusal(type)) fail(node, `is refused: ${type.refuse}`);
  if (!sameType(type, node.type)) fail(node, `has type ${printType(node.type)} where its operands give ${printType(type)}`);
  for (const d of node.type.shape) if (typeof d === "number" && !(Number.isInteger(d) && d >= 0)) fail(node, `has extent ${d}`);
}

function verifyLeaf(leaf: NodeOf<"leaf"> & Node, loop: NodeOf<"loop"> | undefined): void {
  const { kind, path, type } = leaf.attrs;
  if (!loop) {
    if (bodyLeafKinds.has(kind)) fail(leaf, `is a ${kind} outside a loop`);
    if ((kind === "hyper" || kind === "step") && (type.shape.length > 0 || type.dtype !== "f32")) fail(leaf, `is a ${kind} and no f32 scalar`);
    return;
  }
  if (!bodyLeafKinds.has(kind)) fail(leaf, `is a ${kind} in the body of loop ${loop.id}, which is closed`);
  const given = givenType(loop, kind, Number(path));
  if (!given) fail(leaf, `is ${kind} ${path}, which loop ${loop.id} does not have`);
  if (!sameType(given, type)) fail(leaf, `has type ${printType(type)} where loop ${loop.id} gives ${printType(given)}`);
}

/** The type that a loop gives to a leaf of its body. */
function givenType(loop: NodeOf<"loop">, kind: string, position: number): TensorType | undefined {
  const { carries, slices } = loop.attrs;
  if (kind === "iteration") return { dtype: "i32", shape: [] };
  const [from, count] = kind === "carry" ? [0, carries] : kind === "slice" ? [carries, slices] : [carries + slices, loop.inputs.length - carries - slices];
  const type = position < count ? loop.inputs[from + position]?.type : undefined;
  return type && kind === "slice" ? { dtype: type.dtype, shape: type.shape.slice(1) } : type;
}

function verifyBody(loop: NodeOf<"loop"> & Node, body: Body, options: VerifyOptions): void {
  verifyNodes(body.results, options, loop);
  if (body.text !== printResults(body.results)) fail(loop, "has a body whose text is not its own");
}

function once(entry: string, what: string, names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) throw new InternalError("verify-graph", `${entry} has two ${what}s named ${name}`);
    seen.add(name);
  }
}

function fail(node: Node, what: string): never {
  throw new InternalError("verify-graph", `${node.op} ${printAttributes(node)} (node ${node.id}) ${what}`.replace("  ", " "));
}
