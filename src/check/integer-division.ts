/**
 * W0201: a division of whole numbers that most likely is the other one. `i / n` is real and `i // n` whole; what points to
 * a slip is a real quotient that is compared for equality or has its remainder taken, a whole quotient that is 0
 * whatever happens, and a count divided to a whole number, which a share is meant to be.
 *
 *     where i / 2 == j           only even i have a j; `i // 2 == j` pairs them up
 *     count[n] hit[n] // N       0, or 1 if all are hit
 */
import type { BinaryOp } from "../syntax/ast.ts";
import type { Span } from "../support/span.ts";
import type { Context } from "./context.ts";
import type { Core } from "./core.ts";
import type { Operand } from "./elementwise.ts";

/** Looks at one operation. */
export function warnIntegerDivision(cx: Context, op: BinaryOp, left: Operand, right: Operand, span: Span): void {
  if (op === "==" || op === "!=" || op === "%") {
    for (const side of op === "%" ? [left] : [left, right]) {
      const at = side.value.kind === "tensor" ? realQuotient(side.value.core) : undefined;
      if (at) cx.warn({ code: "W0201", message: `\`/\` of whole numbers is real, so \`${op}\` sees its fraction`, span: at, label: "a real number", hint: "write `//` for the whole quotient" });
    }
    return;
  }
  if (op !== "//" || left.value.kind !== "tensor" || right.value.kind !== "tensor") return;
  const [a, b] = [left.value, right.value];
  if (typeof a.known === "number" && typeof b.known === "number" && !a.hypers && !b.hypers && a.literal && b.literal && a.known > 0 && a.known < b.known) {
    if (isWritten(a.core) && isWritten(b.core)) cx.warn({ code: "W0201", message: "this whole quotient is 0", span, label: "is 0", hint: "write `/` for the real one" });
    return;
  }
  if (b.core.kind === "size" && isCount(a.core)) cx.warn({ code: "W0201", message: "this counts, and divides to a whole number: the result is 0 or 1", span, label: "0, or 1 for all", hint: "write `/` for the share" });
}

/** Numbers that stand in the text, in place of a size or a turn that happens to be known. */
function isWritten(core: Core): boolean {
  const { span } = core;
  return core.kind === "number" && /^\s*[\d.]+\s*$/.test(span.source.text.slice(span.start, span.end));
}

/** Where the value is a real quotient of two integers, not both of them numbers. */
function realQuotient(core: Core): Span | undefined {
  if (core.kind === "binding") return realQuotient(core.value);
  if (core.kind !== "apply" || core.op !== "div") return undefined;
  const whole = core.args.map((a) => (a.kind === "cast" && a.arg.type.dtype === "i32") || (a.kind === "number" && Number.isInteger(a.value)));
  return whole.every(Boolean) && core.args.some((a) => a.kind === "cast") ? core.span : undefined;
}

function isCount(core: Core): boolean {
  if (core.kind === "cast" || core.kind === "binding") return isCount(core.kind === "cast" ? core.arg : core.value);
  if (core.kind === "fold" || core.kind === "reduce") return core.op === "count" || (core.op === "sum" && isTruth(core.kind === "fold" ? core.body : core.arg));
  return false;
}

function isTruth(core: Core): boolean {
  return core.type.dtype === "bool" || (core.kind === "cast" && isTruth(core.arg));
}
