/**
 * Lowers groups that are equal but for where they read and write once. In: groups, one after the other. Out: their nests; a group like one
 * before it gets that one's statements with its own buffers and host scalars in them.
 *
 *     relu(h1 · W2 + b2)     lowered
 *     relu(h2 · W3 + b3)     the same statements over h2, W3 and b3
 *
 * Two groups are equal when their nodes are, numbered in the order in which they are reached from the members: op, attributes and operands of
 * what the nest computes, type and number of what it finds in memory or on the host, and where the members are stored.
 */
import { attributeText } from "../graph/attributes.ts";
import type { Buffer, Nest, ParamSlot, Stmt } from "../ir/kernel.ts";
import type { Node, OpAttrs, OpName } from "../ir/node.ts";
import { printShape, printType } from "../ir/types.ts";
import { lowerNest, nameOf, type NestInput, nodesOf } from "./lower-nest.ts";

interface Described {
  readonly key: string;
  /** In the order of their numbers. */
  readonly buffers: readonly Buffer[];
  readonly hosts: readonly number[];
  /** What the nest computes, in order of id. */
  readonly nodes: readonly Node[];
}

/** The groups of one schedule. */
export class AlikeGroups {
  private readonly known = new Map<string, Described & { readonly nest: Nest }>();
  /** What a node says of itself: its type for those that are read, op and attributes for those that are computed. */
  private readonly types = new Map<Node, string>();
  private readonly attributes = new Map<object, { readonly op: OpName; readonly text: string }>();

  lower(input: NestInput): Nest {
    const described = this.describe(input);
    const known = this.known.get(described.key);
    if (!known) {
      const nest = lowerNest(input);
      this.known.set(described.key, { ...described, nest });
      return nest;
    }
    const { group: { why } } = input;
    const { nodes } = described;
    const buffers = new Map(known.buffers.map((b, k) => [b, described.buffers[k] ?? b]));
    const hosts = new Map(known.hosts.map((h, k) => [h, described.hosts[k] ?? h]));
    const params = known.nest.params.map((p): ParamSlot => (p.source.kind === "host" ? { ...p, source: { kind: "host", index: hosts.get(p.source.index) ?? p.source.index } } : p));
    return { ...known.nest, name: nameOf(nodes), body: withBuffers(known.nest.body, buffers), params, nodes, why };
  }

  private describe({ group, stores, around }: NestInput): Described {
    const numbers = new Map<Node, number>();
    const [buffers, hosts] = [new Numbered<Buffer>(), new Numbered<number>()];
    const work: Node[] = [];
    const computed: Node[] = [];
    const numberOf = (node: Node): number => {
      const known = numbers.get(node);
      if (known !== undefined) return known;
      numbers.set(node, work.push(node) - 1);
      return work.length - 1;
    };
    let key = printShape(group.parallel);
    for (const m of group.members) {
      key += `;${numberOf(m)}`;
      for (const b of stores.get(m) ?? []) key += ` ${buffers.of(b)} ${b.dtype}`;
    }
    let copies = false;
    for (let k = 0; k < work.length; k++) {
      const node = work[k] as Node;
      const buffer = around.buffer(node);
      const host = buffer ? undefined : around.host(node);
      if (!buffer && host === undefined) computed.push(node);
      // A copy: what it copies may be computed as well.
      else copies ||= k < group.members.length;
      if (buffer) {
        const apart = around.apart?.(node);
        key += `\n${buffers.of(buffer)} ${buffer.dtype} ${this.typeOf(node)} ${apart ? `${apart.axis} ${apart.stride}` : ""}`;
      } else if (host !== undefined) key += `\nhost ${hosts.of(host)} ${this.typeOf(node)}`;
      else {
        key += `\n${node.op} ${this.attributesOf(node)}`;
        for (const x of node.inputs) key += ` ${numberOf(x)}`;
      }
    }
    return { key, buffers: buffers.all, hosts: hosts.all, nodes: copies ? nodesOf(group, around) : computed.sort((x, y) => x.id - y.id) };
  }

  private typeOf(node: Node): string {
    const known = this.types.get(node);
    if (known !== undefined) return known;
    const text = printType(node.type);
    this.types.set(node, text);
    return text;
  }

  private attributesOf({ op, attrs }: Node): string {
    const known = this.attributes.get(attrs);
    if (known?.op === op) return known.text;
    const text = attributeText(op, attrs as OpAttrs[OpName]);
    this.attributes.set(attrs, { op, text });
    return text;
  }
}

/** The statements over other buffers; those that `by` does not name stay. */
export function withBuffers(body: readonly Stmt[], by: ReadonlyMap<Buffer, Buffer>): readonly Stmt[] {
  return body.map((s) => {
    if (s.kind === "load" || s.kind === "store") return { ...s, buffer: by.get(s.buffer) ?? s.buffer };
    return s.kind === "let" ? s : { ...s, body: withBuffers(s.body, by) };
  });
}

/** Things by the order in which they were first asked for. */
class Numbered<T> {
  readonly all: T[] = [];
  private readonly at = new Map<T, number>();

  of(thing: T): number {
    const known = this.at.get(thing);
    if (known !== undefined) return known;
    this.at.set(thing, this.all.push(thing) - 1);
    return this.all.length - 1;
  }
}
