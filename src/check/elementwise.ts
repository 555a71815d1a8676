/**
 * Elementwise operations: known numbers are folded, element types promoted (bool < i32 < f32; a written number takes
 * its partner's), shapes broadcast, index forms and sets of parameters carried along.
 *
 *     x: f32[N, 4] + b: f32[4]     apply add, f32[N, 4]
 *     2 * hidden                   known 64, still the hyperparameter as a value
 *     weights ^ 2                  a set of squares
 */
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import type { Relation } from "../ir/node.ts";
import { type DType, printShape, tensor } from "../ir/types.ts";
import type { Span } from "../support/span.ts";
import type { Context } from "./context.ts";
import type { ApplyOp, Core } from "./core.ts";
import { knownResult } from "./known.ts";
import { addForms, coerce, fitsI32, formOf, literal, literalBoolean, ownDtype, sizeValue, tensorValue } from "./make.ts";
import { labelAt } from "./problem.ts";
import { describe, type IndexForm, poison, type TensorValue, type Value } from "./value.ts";

/** A value with the place it stands at. */
export interface Operand {
  readonly value: Value;
  readonly span: Span;
}

interface TensorOperand {
  readonly value: TensorValue;
  readonly span: Span;
}

/** The spelling of an operation in messages. */
export function printOp(op: ApplyOp): string {
  if (typeof op === "object") return op.compare;
  const signs: Partial<Record<string, string>> = { add: "+", sub: "-", mul: "*", div: "/", floordiv: "//", mod: "%", pow: "^", neg: "-" };
  return signs[op] ?? op;
}

/** Applies an elementwise operation to one or two values. */
export function apply(cx: Context, op: ApplyOp, operands: readonly Operand[], span: Span): Value {
  const tensors: TensorOperand[] = [];
  for (const { value, span: at } of operands) {
    if (value.kind === "poison") return poison;
    if (value.kind === "set") return overSet(cx, op, operands, span);
    if (value.kind !== "tensor") {
      const drawn = value.kind === "distribution" || value.kind === "initialiser" || (value.kind === "callable" && value.declaration.kind === "initializer");
      cx.error({ code: "E0108", message: `\`${printOp(op)}\` needs numbers, and this is ${describe(value)}`, span: at, label: describe(value), hint: drawn ? "brackets behind it give it a shape: `normal(0, 1)[N, 4]`, `eye[3, 3]`" : undefined });
      return poison;
    }
    tensors.push({ value, span: at });
  }
  return applyTensors(cx, op, tensors, span);
}

/** A set takes part member by member; two sets must be of the same parameters. */
function overSet(cx: Context, op: ApplyOp, operands: readonly Operand[], span: Span): Value {
  const sets = operands.flatMap((o) => (o.value.kind === "set" ? [o.value] : []));
  const count = sets[0]?.members.length ?? 0;
  if (sets.some((s) => s.members.length !== count)) {
    cx.error({ code: "E0201", message: "these sets have different members", span });
    return poison;
  }
  const members: TensorValue[] = [];
  for (let k = 0; k < count; k++) {
    const one = apply(cx, op, operands.map((o) => ({ span: o.span, value: o.value.kind === "set" ? (o.value.members[k] ?? poison) : o.value })), span);
    if (one.kind !== "tensor") return poison;
    members.push(one);
  }
  return { kind: "set", members };
}

function applyTensors(cx: Context, op: ApplyOp, operands: readonly TensorOperand[], span: Span): Value {
  const values = operands.map((o) => o.value);
  const computed = values.every((v) => v.known !== undefined) ? knownResult(op, values.map((v) => v.known ?? 0)) : undefined;
  // What no f32 holds is not known here: it is computed where it is seen not to be finite.
  const known = typeof computed === "number" && !Number.isFinite(Math.fround(computed)) ? undefined : computed;
  const hypers = unionOf(values.map((v) => v.hypers));
  if (known !== undefined && hypers === undefined) return constant(op, known, span);
  const common = dtypesOf(cx, op, operands);
  if (!common) return poison;
  const shape = broadcast(cx, operands, span, `\`${printOp(op)}\``);
  if (!shape) return poison;
  const indexed = unionOf(values.map((v) => v.indexed));
  if (indexed && shape.dims.length > 0) {
    const whole = operands.find((o) => o.value.core.type.shape.length > 0);
    cx.error(notOneNumber(whole?.value, whole?.span ?? span));
    return poison;
  }
  const args = values.map((v) => coerce(v, common.operands).core);
  const core: Core = { kind: "apply", op, args, type: tensor(common.result, shape.dims), span };
  const form = common.result === "i32" && values.some((v) => v.form) ? formResult(op, values) : undefined;
  return tensorValue(core, {
    fixed: shape.fixed,
    ...(known !== undefined && { known, literal: true }),
    ...(hypers && { hypers }),
    ...(indexed && { indexed }),
    ...(form && { form }),
    ...stagedResult(op, values),
  });
}

/** The message about a tensor where one number is needed. */
export function notOneNumber(v: TensorValue | undefined, span: Span) {
  const shape = printShape(v?.core.type.shape ?? []);
  return {
    code: "E0210", message: `inside index notation every value is one number, and this has the shape ${shape}`, span, label: shape,
    hint: "index it in full, or reduce it first",
  };
}

function constant(op: ApplyOp, known: Dim, span: Span): TensorValue {
  if (typeof op === "object" || op === "not" || op === "and" || op === "or") return literalBoolean(known === 1, span);
  return typeof known === "number" && !Number.isInteger(known) ? literal(known, span) : sizeValue(known, span);
}

/** The union of the sets that are there; undefined for none. A set that holds all others is returned as it is. */
export function unionOf<T>(sets: readonly (ReadonlySet<T> | undefined)[]): ReadonlySet<T> | undefined {
  let all: ReadonlySet<T> | undefined;
  for (const set of sets) {
    if (!set || set === all) continue;
    all = all ? ([...set].every((x) => all?.has(x)) ? all : new Set([...all, ...set])) : set;
  }
  return all;
}

/** The element type that the operands are brought to, and that of the result. */
function dtypesOf(cx: Context, op: ApplyOp, operands: readonly TensorOperand[]): { operands: DType; result: DType } | undefined {
  if (op === "not" || op === "and" || op === "or") {
    const wrong = operands.find((o) => o.value.core.type.dtype !== "bool");
    if (!wrong) return { operands: "bool", result: "bool" };
    cx.error({
      code: "E0208", message: `\`${op}\` needs conditions, and this is ${wrong.value.core.type.dtype}`, span: wrong.span, label: wrong.value.core.type.dtype,
      hint: "compare it: `x > 0`",
    });
    return undefined;
  }
  const own = operands.map((o) => ownDtype(o.value));
  const words = own.includes("u32") && own.every((d) => d === "u32" || d === undefined);
  const small = operands.every((o) => fitsI32(o.value));
  const integers = !words && small && own.some((d) => d === "i32" || d === "bool") && own.every((d) => d === "i32" || d === "bool" || d === undefined);
  if (own.includes("u32") && !wordsFit(cx, op, operands, words && !operands.some((o) => typeof o.value.known === "number" && o.value.known < 0))) return undefined;
  const result: DType = words ? "u32" : integers && staysWhole(op) ? "i32" : "f32";
  if (typeof op !== "object") return { operands: result, result };
  // Truth is compared as it is by == and !=, and as 0 and 1 else.
  const conditions = own.every((d) => d === "bool") && (op.compare === "==" || op.compare === "!=");
  const sizes = small && own.every((d) => d === undefined) && operands.every((o) => !o.value.hypers);
  return { operands: words ? "u32" : conditions ? "bool" : integers || sizes ? "i32" : "f32", result: "bool" };
}

/** Operations on whole numbers whose result is whole. */
function staysWhole(op: ApplyOp): boolean {
  return typeof op === "object" || ["add", "sub", "mul", "floordiv", "mod", "max", "min", "neg", "abs", "sign"].includes(op);
}

/** u32 goes with u32 and numbers from 0 up, in operations that lead to no negative number. */
function wordsFit(cx: Context, op: ApplyOp, operands: readonly TensorOperand[], alone: boolean): boolean {
  if (alone && (typeof op === "object" || ["add", "mul", "floordiv", "mod", "max"].includes(op))) return true;
  const at = operands.find((o) => ownDtype(o.value) === "u32") ?? operands[0];
  const others = operands.flatMap((o) => ownDtype(o.value) ?? []).filter((d) => d !== "u32");
  cx.error({
    code: "E0218", message: others.length > 0 ? `\`${printOp(op)}\` of u32 and ${others[0]}` : `\`${printOp(op)}\` has no meaning for u32, which has no negative numbers`,
    span: at?.span ?? operands[0]?.span as Span, label: "u32", hint: "convert it first: `i32(…)` or `f32(…)`",
  });
  return false;
}

function formResult(op: ApplyOp, values: readonly TensorValue[]): IndexForm | undefined {
  const [x, y] = values.map(formOf);
  const zero: IndexForm = { constant: 0, terms: new Map() };
  if (op === "neg" && x) return addForms(zero, x, -1);
  if (!x || !y) return undefined;
  if (op === "add") return addForms(x, y, 1);
  if (op === "sub") return addForms(x, y, -1);
  if (op !== "mul") return undefined;
  if (y.terms.size === 0 && typeof y.constant === "number") return addForms(zero, x, y.constant);
  if (x.terms.size === 0 && typeof x.constant === "number") return addForms(zero, y, x.constant);
  return undefined;
}

function stagedResult(op: ApplyOp, values: readonly TensorValue[]): Pick<TensorValue, "staged"> | undefined {
  if (!values.some((v) => v.staged)) return undefined;
  const at = (stage: "training" | "elsewhere"): Dim | undefined => {
    const known = values.map((v) => (v.staged ? (v.staged[stage] ? 1 : 0) : v.known));
    return known.every((k) => k !== undefined) ? knownResult(op, known) : undefined;
  };
  const training = at("training");
  const elsewhere = at("elsewhere");
  return training === undefined || elsewhere === undefined ? undefined : { staged: { training: training === 1, elsewhere: elsewhere === 1 } };
}

/** The shape that operands broadcast to, right-aligned: only axes of size 1 and missing ones stretch. `what` joins them. */
export function broadcast(
  cx: Context, operands: readonly TensorOperand[], span: Span, what: string, hint?: string,
): { dims: readonly Dim[]; fixed: readonly (Span | undefined)[] } | undefined {
  const rank = Math.max(0, ...operands.map((o) => o.value.core.type.shape.length));
  const result: Dim[] = new Array<Dim>(rank).fill(1);
  const fixed: (Span | undefined)[] = new Array<Span | undefined>(rank).fill(undefined);
  const from: (TensorOperand | undefined)[] = new Array<TensorOperand | undefined>(rank).fill(undefined);
  for (const operand of operands) {
    const { shape } = operand.value.core.type;
    for (const [axis, size] of shape.entries()) {
      const at = rank - shape.length + axis;
      const before = result[at] ?? 1;
      if (size === 1 || dims.equal(size, before)) {
        if (size !== 1 || !from[at]) fixed[at] ??= operand.value.fixed?.[axis];
        from[at] ??= operand;
        continue;
      }
      if (before === 1) {
        result[at] = size;
        fixed[at] = operand.value.fixed?.[axis];
        from[at] = operand;
        continue;
      }
      const other = from[at];
      const left = `${what} cannot join ${operands.map((o) => printShape(o.value.core.type.shape)).join(" and ")}`;
      cx.error({
        code: "E0201", message: `${left}: axis ${at} is ${dims.print(before)} on one side and ${dims.print(size)} on the other`, span: operand.span,
        label: printShape(shape),
        related: [
          other && labelAt(other.span, printShape(other.value.core.type.shape)),
          labelAt(fixed[at], `${dims.print(before)} comes from here`), labelAt(operand.value.fixed?.[axis], `${dims.print(size)} comes from here`),
        ],
        hint,
      });
      return undefined;
    }
  }
  const doubled = doubledName(result, operands.map((o) => o.value.core.type.shape));
  if (doubled === undefined) return { dims: result, fixed };
  cx.error({
    code: "E0201", message: `${what} would make ${doubled} occur twice: ${operands.map((o) => printShape(o.value.core.type.shape)).join(" with ")} gives ${printShape(result)}`,
    span, hint: operands.some((o) => o.value.core.type.shape.at(-1) === 1) ? "an index takes an axis of 1 away: `p[:, 0]`; all pairs are written in index notation" : "write it in index notation, with an index for each axis, if that is what is meant",
  });
  return undefined;
}

/** A named size that occurs more often in the result than in any operand. */
export function doubledName(result: readonly Dim[], operands: readonly (readonly Dim[])[]): string | undefined {
  const count = (shape: readonly Dim[], size: Dim): number => shape.filter((d) => dims.equal(d, size)).length;
  return result
    .filter((d) => typeof d !== "number")
    .filter((d) => count(result, d) > 1 && operands.every((o) => count(o, d) < count(result, d)))
    .map(dims.print)[0];
}

/** `a relation b`. */
export function compare(cx: Context, relation: Relation, a: Operand, b: Operand, span: Span): Value {
  return apply(cx, { compare: relation }, [a, b], span);
}
