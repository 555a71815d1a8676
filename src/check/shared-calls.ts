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
import * as dims from "../ir/dims.ts";
import type { Span } from "../support/span.ts";
import type { Context } from "./context.ts";
import type { Core } from "./core.ts";
import type { CallableValue, GivenArgument, TensorValue, Value } from "./value.ts";

/** The results of one pass over a model, by call. */
export class SharedCalls {
  private readonly results = new Map<string, Value>();
  private readonly ids = new WeakMap<object, number>();
  private count = 0;

  /** What tells calls apart, or undefined where equal calls may mean different things. */
  keyOf(callee: CallableValue, given: ReadonlyMap<string, GivenArgument>): string | undefined {
    let key = `${this.id(callee.declaration)} ${this.id(callee.scope)}`;
    for (const [name, { value }] of given) {
      const part = this.argument(value);
      if (part === undefined) return undefined;
      key += ` ${name}=${part}`;
    }
    return key;
  }

  /** The result of an equal call, as a thing of its own. */
  find(key: string): Value | undefined {
    const known = this.results.get(key);
    return known && anew(known);
  }

  keep(key: string, value: Value): void {
    this.results.set(key, value);
  }

  private argument(value: Value): string | undefined {
    switch (value.kind) {
      case "tensor":
        return value.indexed || value.form ? undefined : `${this.core(value.core)} ${factsOf(value)}`;
      case "callable":
        return `${this.id(value.declaration)} ${this.id(value.scope)}`;
      case "builtin":
        return `builtin ${value.name}`;
      case "text":
        return JSON.stringify(value.text);
      default:
        return undefined;
    }
  }

  /** What is made anew at each mention is told apart by what it says, all else by which object it is. */
  private core(core: Core): string {
    const type = (): string => `${core.type.dtype}[${core.type.shape.map(dims.print).join()}]`;
    switch (core.kind) {
      case "number":
        return `${core.value} ${type()}`;
      case "size":
        return `{${dims.print(core.dim)}}`;
      case "hyper":
        return `hyper ${JSON.stringify(core.name)}`;
      case "leaf":
        return `${core.role} ${JSON.stringify(core.path)}`;
      case "step":
        return core.name;
      default:
        return `#${this.id(core)}`;
    }
  }

  private id(thing: object): number {
    const known = this.ids.get(thing);
    if (known !== undefined) return known;
    this.ids.set(thing, ++this.count);
    return this.count;
  }
}

/** What is known of a value beside its Core. */
function factsOf({ known, literal, hypers, staged }: TensorValue): string {
  return [
    known === undefined ? "" : dims.print(known), literal ? "literal" : "", hypers ? JSON.stringify([...hypers]) : "",
    staged ? `${staged.training} ${staged.elsewhere}` : "",
  ].join(";");
}

/** Derivatives by the result of one call are not by that of another, so a named result is named again. */
function anew(value: Value): Value {
  if (value.kind === "list") return { ...value, items: value.items.map(anew) };
  if (value.kind !== "tensor" || value.core.kind !== "binding") return value;
  return { ...value, core: { ...value.core } };
}

/** Runs a call, or gives the result of an equal one. */
export function shared(cx: Context, callee: CallableValue, given: ReadonlyMap<string, GivenArgument>, run: () => Value): Value {
  // Inside an equation a body settles ranges of indices and stands under guards.
  const key = cx.equation || cx.guards.length > 0 ? undefined : cx.sharedCalls.keyOf(callee, given);
  if (key === undefined) return run();
  const known = cx.sharedCalls.find(key);
  if (known) return known;
  const before = { effects: cx.effects, reports: cx.diagnostics.list.length };
  const result = run();
  const places = new Set([...given.values()].map((g) => g.span));
  if (cx.effects === before.effects && cx.diagnostics.list.length === before.reports && isPlain(result, places)) cx.sharedCalls.keep(key, result);
  return result;
}

/** A result that says nothing of where the call stood. */
function isPlain(value: Value, places: ReadonlySet<Span>): boolean {
  if (value.kind === "list") return value.items.every((item) => isPlain(item, places));
  return value.kind === "tensor" && !(value.fixed ?? []).some((span) => span && places.has(span));
}
