/**
 * Ops with their attributes, numbered: equal ones have one number, and their nodes share one attribute object. In: an op and attributes.
 * Out: their kind.
 *
 *     kinds.of("pow", { exponent: 2 }).number === kinds.of("pow", { exponent: 2 }).number      // true
 *
 * What makes attributes equal is their canonical text. It is printed once for each object: a pass that makes nodes again hands over the
 * attributes of the nodes that it read.
 */
import type { OpAttrs, OpName } from "../ir/node.ts";
import { attributeText } from "./attributes.ts";

/** An op with its attributes. */
export interface Kind {
  readonly number: number;
  readonly op: OpName;
  readonly attrs: OpAttrs[OpName];
}

/** The kinds of one builder. */
export class Kinds {
  private count = 0;
  private readonly ops = new Set<OpName>();
  /** Ops whose attributes say nothing. */
  private readonly plain = new Map<OpName, Kind>();
  private readonly byText = new Map<string, Kind>();
  /** By the attributes that nodes have. */
  private readonly byObject = new Map<OpAttrs[OpName], Kind>();

  of<K extends OpName>(op: K, attrs: OpAttrs[K]): Kind {
    const plain = this.plain.get(op);
    if (plain) return plain;
    const known = this.byObject.get(attrs);
    return known?.op === op ? known : this.find(op, canonicalAttributes(op, attrs));
  }

  /** Whether there is a kind of this op. */
  has(op: OpName): boolean {
    return this.ops.has(op);
  }

  private find<K extends OpName>(op: K, attrs: OpAttrs[K]): Kind {
    const text = attributeText(op, attrs);
    const key = `${op}|${text}${op === "loop" ? `|${(attrs as OpAttrs["loop"]).body.text}` : ""}`;
    const known = this.byText.get(key);
    if (known) return known;
    const made: Kind = { number: this.count++, op, attrs };
    this.byText.set(key, made);
    this.ops.add(op);
    if (text === "") this.plain.set(op, made);
    else this.byObject.set(attrs, made);
    return made;
  }
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
