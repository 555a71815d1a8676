/**
 * Where nodes are made. Within one builder equal (op, attributes, inputs) are one object, every type comes from the
 * op table, and a side table says where each node comes from.
 *
 *     const b = new Builder();
 *     const y = b.origin([span], undefined, () => b.mul(x, x));
 *     b.finish("evaluate", [{ name: "y", kind: "output", node: y }], []);
 *
 * Decisions:
 *   - constants are kept as the doubles they were written as; -0 becomes 0, since no rewrite and no target promises the
 *     sign of a zero, and a table of equal numbers becomes a splat;
 *   - inputs must come from the same builder: ids of two builders mean nothing to each other;
 *   - a node that a user wrote keeps its origin when the compiler happens to make it again; otherwise origins merge.
 */
import { Emit } from "../ir/emit.ts";
import type { Commit, Graph, Node, NodeOf, OpAttrs, OpName, Origin, Output } from "../ir/node.ts";
import { printType } from "../ir/types.ts";
import type { TensorType } from "../ir/types.ts";
import { isRefusal } from "../ops/op.ts";
import type { OpRecord } from "../ops/op.ts";
import { table } from "../ops/table.ts";
import { InternalError } from "../support/diagnostic.ts";
import type { Span } from "../support/span.ts";
import { nodeKey } from "./attributes.ts";
import { mergeOrigins } from "./origins.ts";
import { topological } from "./topological.ts";

/** A hash-consing emitter with origins. */
export class Builder extends Emit {
  private readonly known = new Map<string, Node>();
  private readonly own = new Set<Node>();
  private readonly noted = new Map<Node, Origin>();
  private current: Origin | undefined;

  override make<K extends OpName>(op: K, attrs: OpAttrs[K], inputs: readonly Node[]): NodeOf<K> & Node {
    const canonical = canonicalAttributes(op, attrs);
    const key = nodeKey(op, canonical, inputs);
    let node = this.known.get(key);
    if (!node) {
      for (const x of inputs) if (!this.own.has(x)) throw new InternalError("builder", `an input of ${op} (${x.op}, node ${x.id}) was made by another builder`);
      // A node of op K with its attributes is one member of the union; the compiler cannot see which.
      node = { id: this.own.size, op, attrs: canonical, inputs: [...inputs], type: typeOf(op, canonical, inputs) } as unknown as Node;
      this.known.set(key, node);
      this.own.add(node);
    }
    this.note(node, this.current);
    return node as NodeOf<K> & Node;
  }

  /** What `body` makes stems from these spans; `reason` says why if the compiler, not the user, asked for it. */
  origin<T>(spans: readonly Span[], reason: string | undefined, body: () => T): T {
    return this.withOrigin({ spans, more: 0, ...(reason === undefined ? {} : { reason }) }, body);
  }

  /** The same with an origin at hand; undefined notes nothing. Inner origins replace outer ones. */
  withOrigin<T>(origin: Origin | undefined, body: () => T): T {
    const outer = this.current;
    this.current = origin;
    try {
      return body();
    } finally {
      this.current = outer;
    }
  }

  /** Adds an origin to a node; constants have none. */
  note(node: Node, origin: Origin | undefined): void {
    if (!origin || node.op === "const") return;
    const known = this.noted.get(node);
    if (known === origin) return;
    this.noted.set(node, known ? mergeOrigins(known, origin) : mergeOrigins(origin, { spans: [], more: 0, ...(origin.reason === undefined ? {} : { reason: origin.reason }) }));
  }

  originOf(node: Node): Origin | undefined {
    return this.noted.get(node);
  }

  /** True when this builder made the node. */
  owns(node: Node): boolean {
    return this.own.has(node);
  }

  /** The graph of one entry: what the outputs and commits need, with their origins. */
  finish(entry: string, outputs: readonly Output[], commits: readonly Commit[]): Graph {
    const origins = new Map<Node, Origin>();
    const open: (readonly Node[])[] = [[...outputs.map((o) => o.node), ...commits.map((c) => c.node)]];
    for (let roots = open.pop(); roots; roots = open.pop()) {
      for (const node of topological(roots)) {
        const origin = this.noted.get(node);
        if (origin) origins.set(node, origin);
        if (node.op === "loop") open.push(node.attrs.body.results);
      }
    }
    return { entry, outputs, commits, origins };
  }
}

/** The type that the table gives; an InternalError where it refuses. */
export function typeOf<K extends OpName>(op: K, attrs: OpAttrs[K], inputs: readonly Node[]): TensorType {
  const record: OpRecord<K> = table[op];
  const type = record.type(attrs, inputs.map((x) => x.type), inputs);
  if (!isRefusal(type)) return type;
  throw new InternalError("builder", `${op}(${inputs.map((x) => printType(x.type)).join(", ")}): ${type.refuse}`);
}

function canonicalAttributes<K extends OpName>(op: K, attrs: OpAttrs[K]): OpAttrs[K] {
  if (op === "const") return canonicalConstant(attrs as OpAttrs["const"]) as OpAttrs[K];
  if (op === "pow") return { exponent: (attrs as OpAttrs["pow"]).exponent + 0 } as OpAttrs[K];
  return attrs;
}

function canonicalConstant({ type, data }: OpAttrs["const"]): OpAttrs["const"] {
  // Adding 0 turns -0 into 0.
  if (typeof data === "number") return { type, data: data + 0 };
  const [first] = data;
  const equal = first !== undefined && data.every((v) => v === first);
  return { type, data: equal ? first + 0 : data.map((v) => v + 0) };
}
