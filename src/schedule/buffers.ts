/**
 * Names the memory of an entry. In: the roots and who wants them. Out: a buffer for each leaf and root, numbered in
 * order of use, and where each root is to be stored.
 *
 *     output "y" is relu %7    ->   relu %7 lies in the output buffer "y"; other readers read it there
 */
import * as dims from "../ir/dims.ts";
import type { Buffer, Place } from "../ir/kernel.ts";
import type { Graph, Node } from "../ir/node.ts";
import type { TensorType } from "../ir/types.ts";
import { isStored } from "./node-facts.ts";
import type { Apart } from "./index-maps.ts";
import type { PendingCommit } from "./order.ts";
import type { SideBySide } from "./side-by-side.ts";

export class Buffers {
  readonly all: Buffer[] = [];
  readonly outputs: { readonly name: string; readonly kind: string; readonly buffer: Buffer }[] = [];
  readonly commits: PendingCommit[] = [];
  /** Where each root is stored: first the place that others read. */
  readonly stores = new Map<Node, Buffer[]>();
  /** For a concatenation whose parts have gaps between them: where its elements lie. */
  readonly apart = new Map<Node, Apart>();
  private readonly leaves = new Map<string, Buffer>();
  private readonly leafOf = new Map<Node, Buffer>();
  private readonly capacity: dims.Bindings;

  constructor(capacity: dims.Bindings) {
    this.capacity = capacity;
  }

  /** Declares leaves, outputs and commits, in the graph's order. */
  declare(graph: Graph, order: readonly Node[]): void {
    for (const node of order) if (isStored(node)) this.leaf(node);
    for (const { name, kind, node } of graph.outputs) {
      const buffer = this.make(name, node.type, "output", name);
      this.outputs.push({ name, kind, buffer });
      this.storeIn(node, buffer);
    }
    for (const { kind, path, node } of graph.commits) {
      const target = this.known(kind, path, node.type);
      if (isStored(node) && this.leaf(node) === target) continue;
      const value = this.stores.get(node)?.[0] ?? this.make(`next ${path}`, node.type, "temp", path);
      this.storeIn(node, value);
      this.commits.push({ path, value, target });
    }
  }

  /** The buffer that a nest reads the node from. */
  of(node: Node): Buffer | undefined {
    return isStored(node) ? this.leaf(node) : this.stores.get(node)?.[0];
  }

  /** The place of a root that only other nests want. */
  temp(node: Node): void {
    if (!this.stores.has(node)) this.storeIn(node, this.make(`${node.op} ${node.id}`, node.type, "temp"));
  }

  /** The place of a concatenation whose parts lie in it. */
  arena(node: Node, { parts, stride }: SideBySide): void {
    for (const { node: part } of parts) if (!isStored(part)) this.temp(part);
    const lie = parts.map((p) => ({ buffer: this.of(p.node) as Buffer, at: p.at }));
    const elements = Math.max(...lie.map((p) => p.at + p.buffer.elements));
    const { place = "temp", path } = lie[0]?.buffer ?? {};
    const { dtype, shape } = node.type;
    const buffer: Buffer = { id: this.all.length, name: `${node.op} ${node.id}`, dtype, shape, elements, place, parts: lie, ...(place !== "temp" && path !== undefined && { path }) };
    this.all.push(buffer);
    this.stores.set(node, [buffer]);
    if (stride !== undefined && node.op === "concat") this.apart.set(node, { axis: node.attrs.axis, stride });
  }

  private leaf(node: Node): Buffer | undefined {
    const met = this.leafOf.get(node);
    if (met || node.op !== "leaf" || !isPlace(node.attrs.kind)) return met;
    const buffer = this.known(node.attrs.kind, node.attrs.path, node.type);
    this.leafOf.set(node, buffer);
    return buffer;
  }

  private known(place: Place, path: string, type: TensorType): Buffer {
    const key = `${place} ${path}`;
    const buffer = this.leaves.get(key) ?? this.make(path, type, place, path);
    this.leaves.set(key, buffer);
    return buffer;
  }

  private storeIn(node: Node, buffer: Buffer): void {
    const known = this.stores.get(node) ?? [];
    if (!known.includes(buffer)) this.stores.set(node, [...known, buffer]);
  }

  private make(name: string, type: TensorType, place: Place, path?: string): Buffer {
    const elements = dims.evaluate(dims.product(type.shape), this.capacity);
    const buffer: Buffer = { id: this.all.length, name, dtype: type.dtype, shape: type.shape, elements, place, ...(path === undefined ? {} : { path }) };
    this.all.push(buffer);
    return buffer;
  }
}

function isPlace(kind: string): kind is "input" | "param" | "state" {
  return kind === "input" || kind === "param" || kind === "state";
}
