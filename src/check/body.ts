/** Runs the body of a declaration in a scope where its parameters are bound, and gives its result. */
import type { Span } from "../support/span.ts";
import type { Block, Expr } from "../syntax/ast.ts";
import type { Context, Env, Frame, Place } from "./context.ts";
import type { Scope } from "./scope.ts";
import { type Callable, poison, type Value } from "./value.ts";

/** What to run and as what. */
export interface Run {
  readonly declaration: Callable;
  readonly scope: Scope<Value>;
  readonly place: Place;
  /** The call. */
  readonly span: Span;
  readonly kind: Frame["kind"];
  /** A shared instance brings its own. */
  readonly id?: number;
  readonly repeat?: number;
}

/** The value of the body; `after` sees what came of it and may put something in its place. Recursion and endless instantiation are refused. */
export function runBody(cx: Context, run: Run, after?: (result: Value, env: Env) => Value): Value {
  const { declaration, span } = run;
  const name = declaration.name.name;
  const again = cx.calls.findIndex((c) => c.declaration === declaration);
  if (again >= 0) {
    const cycle = [...cx.calls.slice(again).map((c) => c.declaration.name.name), name].join(" → ");
    cx.error({ code: "E0107", message: `\`${name}\` calls itself: ${cycle}`, span, label: "this call goes round", hint: "use `for`, `fold` or `scan`" });
    return poison;
  }
  if (!cx.enter(span)) return poison;
  cx.calls.push({ declaration, span });
  cx.called.add(declaration);
  cx.noteLibraryCall(declaration);
  const frame: Frame = { kind: run.kind, id: run.id ?? cx.newId(), repeat: run.repeat ?? 1, atEnd: [] };
  const env: Env = { scope: run.scope, place: run.place, frame };
  const made = cx.runBody(cx, declaration.body, env);
  const result = after && made.kind !== "poison" ? after(made, env) : made;
  cx.calls.pop();
  cx.leave();
  return result;
}

/** True for `{ … }`. */
export function isBlock(body: Expr | Block): body is Block {
  return body.kind === "block";
}
