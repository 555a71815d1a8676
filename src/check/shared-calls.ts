/**
 * Calls that were made before. A function's body is checked once for equal arguments, and its result stands for the later
 * calls, so that functions that call each other twice cost no more than their text: forty of
 *
 *     fn f2(x) = f1(x) + f1(x)        one body of f1 for both
 *
 * Invariants: a result is kept only where the call did nothing else: it owned no parameters, drew nothing, read nothing
 * that changes (`loss`, a state), reported nothing, and names no place of its own call. So paths, streams and reports are
 * those of a program whose calls are all made.
 */
import type { Span } from "../support/span.ts";
import type { Context } from "./context.ts";
import type { CallableValue, GivenArgument, InitialiserValue, Value } from "./value.ts";

/** Runs a call, or gives the result of an equal one; of an equal one at that very place where its result may say where it stood. */
export function shared(cx: Context, callee: CallableValue | InitialiserValue, given: ReadonlyMap<string, GivenArgument>, run: () => Value, at?: Span): Value {
  // Inside an equation a body settles ranges of indices and stands under guards.
  const key = cx.equation || cx.guards.length > 0 ? undefined : cx.callResults.keyOf(callee, given, at);
  if (key === undefined) return run();
  const known = cx.callResults.find(key);
  if (known) return known;
  const before = { effects: cx.effects, reports: cx.diagnostics.reports };
  const result = run();
  const places = new Set(at ? [] : [...given.values()].map((g) => g.span));
  if (cx.effects === before.effects && cx.diagnostics.reports === before.reports && isPlain(result, places)) cx.callResults.keep(key, result);
  return result;
}

/** A result that says nothing of where the call stood. */
function isPlain(value: Value, places: ReadonlySet<Span>): boolean {
  if (value.kind === "list") return value.items.every((item) => isPlain(item, places));
  if (value.kind === "distribution") return value.args.every((arg) => isPlain(arg, places));
  return value.kind === "tensor" && !(value.fixed ?? []).some((span) => span && places.has(span));
}
