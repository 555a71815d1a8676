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
 *   - of a sum, a product or a maximum with a constant the constant comes last, so that rules find it there;
 *   - inputs must come from the same builder: ids of two builders mean nothing to each other;
 *   - a node that a user wrote keeps its origin when the compiler happens to make it again; otherwise origins merge.
 */
import { Emit } from "../ir/emit.ts";
import type { Commit, Graph, Node, NodeOf, OpAttrs, OpName, Origin, Origins, Output } from "../ir/node.ts";
import { printType, sameType } from "../ir/types.ts";
import type { TensorType } from "../ir/types.ts";
import { isRefusal } from "../ops/op.ts";
import type { OpRecord } from "../ops/op.ts";
import { table } from "../ops/table.ts";
import { InternalError } from "../support/diagnostic.ts";
import type { Span } from "../support/span.ts";
import { type Kind, Kinds } from "./kinds.ts";
import { mergeOrigins, trimmed } from "./origins.ts";
import { PairTable } from "./pair-table.ts";

/** A node that was made or found while a recording ran, with what was noted of it: an origin, or a name. */
export interface Step {
  readonly node: Node;
  readonly origin?: Origin | undefined;
  readonly name?: NonNullable<Origin["name"]>;
}

/** A hash-consing emitter with origins. */
export class Builder extends Emit implements Origins {
  /** By the number of op with attributes and the inputs: in a table of numbers where those are two at most, the common case by far, which needs no text. */
  private readonly byText = new Map<string, Node>();
  private readonly pairs = new PairTable();
  private readonly kinds = new Kinds();
  /** By kind and path. */
  private readonly leaves = new Map<string, Node>();
  /** By id, and the origin of each. */
  private readonly own: Node[] = [];
  private readonly noted: (Origin | undefined)[] = [];
  private current: Origin | undefined;
  private recording: Step[] | undefined;

  override make<K extends OpName>(op: K, attrs: OpAttrs[K], inputs: readonly Node[]): NodeOf<K> & Node {
    // Nodes of another builder have ids too, so who owns the inputs is asked each time.
    for (const x of inputs) if (!this.owns(x)) throw stranger(op, x);
    const kind = this.kinds.of(op, attrs);
    const node = inputs.length <= 2 ? this.find(kind, op, constantLast(op, inputs)) : this.findByText(kind, op, inputs);
    this.met(node);
    return node as NodeOf<K> & Node;
  }

  /** A leaf is asked for again and again, by its path. */
  override leaf(attrs: OpAttrs["leaf"]): Node {
    const key = `${attrs.kind} ${attrs.path}`;
    const known = this.leaves.get(key);
    const made = known && sameType(known.type, attrs.type) ? known : this.make("leaf", attrs, []);
    if (made === known) this.met(made);
    else this.leaves.set(key, made);
    return made;
  }

  /** Notes where a node comes from that was made or found now. */
  private met(node: Node): void {
    this.note(node, this.current);
    this.recording?.push({ node, origin: this.current });
  }

  /** Its type is known, unless what it reads has got another one, or is a loop, whose results say it. */
  override again(node: Node, inputs: readonly Node[]): Node {
    const { op, attrs, type } = node;
    const alike = op !== "pick" && op !== "loop" && inputs.every((x, i) => x.type === node.inputs[i]?.type || sameType(x.type, (node.inputs[i] as Node).type));
    if (!alike) return this.make(op, attrs, inputs);
    for (const x of inputs) if (!this.owns(x)) throw stranger(op, x);
    const kind = this.kinds.of(op, attrs);
    const made = inputs.length <= 2 ? this.find(kind, op, constantLast(op, inputs), type) : this.findByText(kind, op, inputs, type);
    this.met(made);
    return made;
  }

  override known<K extends OpName>(op: K, attrs: OpAttrs[K], inputs: readonly Node[]): Node | undefined {
    const kind = this.kinds.of(op, attrs);
    if (inputs.length > 2) return this.byText.get(textKey(kind, inputs));
    const [x, y] = inputs as readonly [Node?, Node?];
    const found = this.pairs.get(kind.number, x ? x.id : -1, y ? y.id : -1);
    return found >= 0 ? this.own[found] : undefined;
  }

  /** Runs `body` and tells what it made or found, in order. */
  recorded<T>(body: () => T): { readonly result: T; readonly steps: readonly Step[] } {
    const steps: Step[] = [];
    this.recording = steps;
    try {
      return { result: body(), steps };
    } finally {
      this.recording = undefined;
    }
  }

  private find(kind: Kind, op: OpName, inputs: readonly Node[], type?: TensorType): Node {
    const [x, y] = inputs as readonly [Node?, Node?];
    const [first, second] = [x ? x.id : -1, y ? y.id : -1];
    const found = this.pairs.get(kind.number, first, second);
    if (found >= 0) return this.own[found] as Node;
    const made = this.create(kind, op, inputs, type);
    this.pairs.set(kind.number, first, second, made.id);
    return made;
  }

  private findByText(kind: Kind, op: OpName, inputs: readonly Node[], type?: TensorType): Node {
    const key = textKey(kind, inputs);
    const found = this.byText.get(key);
    if (found) return found;
    const made = this.create(kind, op, inputs, type);
    this.byText.set(key, made);
    return made;
  }

  private create({ attrs }: Kind, op: OpName, inputs: readonly Node[], type = typeOf(op, attrs, inputs)): Node {
    // A node of an op with its attributes is one member of the union; the compiler cannot see which.
    const node = { id: this.own.length, op, attrs, inputs: [...inputs], type } as unknown as Node;
    this.own.push(node);
    return node;
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
    const known = this.noted[node.id];
    if (known === origin) return;
    this.noted[node.id] = known ? mergeOrigins(known, origin) : trimmed(origin);
  }

  /** Says what a node's value is called. The first name stays, unless it was given inside a function of another file: then who called has the word. */
  name(node: Node, name: NonNullable<Origin["name"]>): void {
    this.recording?.push({ node, name });
    const known = this.noted[node.id];
    if (known && known.name?.span.source !== name.span.source) this.noted[node.id] = { ...known, name };
  }

  /** Whether a node of this op was ever made. */
  hasMade(op: OpName): boolean {
    return this.kinds.has(op);
  }

  /** Nodes made so far; each has a lower id. */
  get count(): number {
    return this.own.length;
  }

  originOf(node: Node): Origin | undefined {
    return this.owns(node) ? this.noted[node.id] : undefined;
  }

  /** The same, for who has a graph and no builder. */
  get(node: Node): Origin | undefined {
    return this.originOf(node);
  }

  override owns(node: Node): boolean {
    return this.own[node.id] === node;
  }

  /** The graph of one entry. */
  finish(entry: string, outputs: readonly Output[], commits: readonly Commit[]): Graph {
    return { entry, outputs, commits, origins: this };
  }

  /** The builder that made a graph's nodes, where a pass makes its own. */
  static of(graph: Pick<Graph, "origins">): Builder {
    if (graph.origins instanceof Builder) return graph.origins;
    throw new InternalError("builder", "the graph was not made by a builder");
  }
}

function stranger(op: OpName, x: Node): InternalError {
  return new InternalError("builder", `an input of ${op} (${x.op}, node ${x.id}) was made by another builder`);
}

/** c + x is made as x + c. */
function constantLast(op: OpName, inputs: readonly Node[]): readonly Node[] {
  const [x, y] = inputs;
  return x?.op === "const" && y && y.op !== "const" && (op === "add" || op === "mul" || op === "max") ? [y, x] : inputs;
}

function textKey(kind: Kind, inputs: readonly Node[]): string {
  let key = String(kind.number);
  for (const x of inputs) key += `,${x.id}`;
  return key;
}

/** The type that the table gives; an InternalError where it refuses. */
export function typeOf<K extends OpName>(op: K, attrs: OpAttrs[K], inputs: readonly Node[]): TensorType {
  const record: OpRecord<K> = table[op];
  const type = record.type(attrs, inputs.map((x) => x.type), inputs);
  if (!isRefusal(type)) return type;
  throw new InternalError("builder", `${op}(${inputs.map((x) => printType(x.type)).join(", ")}): ${type.refuse}`);
}
