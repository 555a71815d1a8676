/**
 * Results of calls by what tells calls apart: the function, and each argument as an object or by what it says.
 *
 *     keyOf(f, { x: leaf a, k: 3 })      "1 2 x=param "M.a" … k=3 f32[] 3;literal"
 */
import * as dims from "../ir/dims.ts";
import type { Core } from "./core.ts";
import type { Span } from "../support/span.ts";
import type { CallableValue, GivenArgument, InitialiserValue, TensorValue, Value } from "./value.ts";

/** The results of one pass over a model, by call. */
export class CallResults {
  private readonly results = new Map<string, Value>();
  private readonly ids = new WeakMap<object, number>();
  private count = 0;

  /** What tells calls apart, with their place where that counts, or undefined where equal calls may mean different things. */
  keyOf(callee: CallableValue | InitialiserValue, given: ReadonlyMap<string, GivenArgument>, at?: Span): string | undefined {
    let key = `${this.id(callee.declaration)} ${this.id(callee.scope)}${at ? ` ${this.id(at)}` : ""}`;
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
