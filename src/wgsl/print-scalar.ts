/**
 * Scalars as WGSL expressions. Comes in: a scalar, and names for the values and parameters it refers to. Goes out: text
 * of bounded depth; what is too deep or occurs twice is first given a name by a `let` line.
 *
 *     op("add", "f32", [ref(0), constant(1)])   ->   v0 + 1.0f
 *
 * Constant expressions are never written: WGSL evaluates those while compiling and refuses overflow, so an
 * operation whose operands are all constants gets one of them through a `let`.
 */
import type { Scalar, ScalarFunction } from "../ir/scalar.ts";
import type { DType } from "../ir/types.ts";
import { invariant } from "../support/diagnostic.ts";

/** Nested operations in one expression. */
const deepest = 6;

/** What a scalar refers to, as text, and where lines go. */
export interface ScalarNames {
  readonly value: (id: number) => string;
  readonly param: (slot: number) => string;
  readonly fn: (fn: ScalarFunction) => string;
  /** A name nothing else has. */
  readonly fresh: () => string;
  readonly line: (text: string) => void;
}

/** WGSL's names of the element types. */
export const typeName: Readonly<Record<DType | "f16", string>> = { f32: "f32", i32: "i32", u32: "u32", bool: "bool", f16: "f16" };

/** A literal of exactly this value; throws our bug for what no literal can say. */
export function printConstant(value: number, dtype: DType): string {
  if (dtype === "bool") return value === 0 ? "false" : "true";
  if (dtype === "u32") return `${value >>> 0}u`;
  if (dtype === "i32") {
    invariant(Number.isInteger(value), "emit", `${value} is no integer`);
    return value === -2147483648 ? "i32(-2147483648)" : value < 0 ? `(${value}i)` : `${value}i`;
  }
  const rounded = Math.fround(value);
  invariant(Number.isFinite(rounded), "emit", `${value} is no finite f32`);
  if (Object.is(rounded, -0)) return "(-0.0f)";
  const text = String(rounded);
  const written = /[.e]/.test(text) ? `${text}f` : `${text}.0f`;
  return rounded < 0 ? `(${written})` : written;
}

type Op = Extract<Scalar, { kind: "op" }>;

/** Prints scalars of one scope; `named` remembers what got a name. */
export class ScalarPrinter {
  private readonly names: ScalarNames;

  constructor(names: ScalarNames) {
    this.names = names;
  }

  /** The expression; lines for named parts are written before it. */
  print(s: Scalar): string {
    const uses = new Map<Scalar, number>();
    count(s, uses);
    return stripped(this.text(s, uses, new Map(), 0));
  }

  private text(s: Scalar, uses: ReadonlyMap<Scalar, number>, named: Map<Scalar, string>, depth: number): string {
    if (s.kind === "constant") return printConstant(s.value, s.dtype);
    if (s.kind === "ref") return this.names.value(s.id);
    if (s.kind === "param") return this.names.param(s.slot);
    const known = named.get(s);
    if (known !== undefined) return known;
    const split = (uses.get(s) ?? 0) > 1 || depth >= deepest;
    const inner = split ? 0 : depth;
    const args = s.args.map((a) => this.text(a, uses, named, inner + 1));
    if (s.args.length > 0 && s.args.every((a) => a.kind === "constant")) args[0] = this.name(args[0] ?? "", s.args[0]?.dtype ?? "f32");
    const text = s.kind === "call" ? `${this.names.fn(s.fn)}(${args.map(unwrap).join(", ")})` : operation(s, args);
    if (!split || depth === 0) return text;
    const name = this.name(text, s.dtype);
    named.set(s, name);
    return name;
  }

  private name(text: string, dtype: DType): string {
    const name = this.names.fresh();
    this.names.line(`let ${name}: ${typeName[dtype]} = ${unwrap(text)};`);
    return name;
  }
}

function count(s: Scalar, uses: Map<Scalar, number>): void {
  if (s.kind !== "op" && s.kind !== "call") return;
  const before = uses.get(s) ?? 0;
  uses.set(s, before + 1);
  if (before === 0) for (const a of s.args) count(a, uses);
}

const infix: Partial<Readonly<Record<Op["op"], string>>> = {
  add: "+", sub: "-", mul: "*", div: "/", mod: "%", "==": "==", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">=",
  and: "&", or: "|", shl: "<<", shr: ">>", bitand: "&", bitor: "|", bitxor: "^",
};

/** By the bits in which the numbers of two of four invocations differ. */
const swaps = ["", "quadSwapX", "quadSwapY", "quadSwapDiagonal"] as const;

function operation(s: Op, args: readonly string[]): string {
  const [a = "", b = "", c = ""] = args;
  const sign = infix[s.op];
  if (sign !== undefined) return `(${a} ${sign} ${b})`;
  switch (s.op) {
    case "neg":
      return `(-${a})`;
    case "not":
      return `(!${a})`;
    case "select":
      return `select(${unwrap(c)}, ${unwrap(b)}, ${unwrap(a)})`;
    case "cast":
      return `${typeName[s.dtype]}(${unwrap(a)})`;
    case "swap":
      return `${swaps[s.args[1]?.kind === "constant" ? s.args[1].value : 0] ?? ""}(${unwrap(a)})`;
    case "subgroup_add":
    case "subgroup_mul":
    case "subgroup_max":
    case "subgroup_any":
    case "subgroup_all":
      return `${s.op.replace(/_(.)/, (_, c: string) => c.toUpperCase())}(${unwrap(a)})`;
    case "bitcast":
      return `bitcast<${typeName[s.dtype]}>(${unwrap(a)})`;
    default:
      return `${s.op}(${args.map(unwrap).join(", ")})`;
  }
}

/** An argument without parentheses around it; comparisons and shifts keep theirs, since their signs could open a template. */
function unwrap(text: string): string {
  return / [<>]+=? /.test(text) ? text : stripped(text);
}

/** Drops one pair of parentheses around the whole text. */
function stripped(text: string): string {
  if (!text.startsWith("(") || !text.endsWith(")")) return text;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "(") depth++;
    if (text[i] === ")") depth--;
    if (depth === 0 && i < text.length - 1) return text;
  }
  return text.slice(1, -1);
}
