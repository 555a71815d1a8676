/**
 * W0102: a name that hides another one. What deserves a word is what could make a reader take one thing for the other:
 * a declaration of the file with a name of the library, a binding that hides a declaration of the file or, inside `fold`,
 * a value of the block around, and an index with the name of a value or of another index. Sizes, parameters of
 * functions and what a `for` carries from turn to turn are left alone, and so are names that start with `_`.
 *
 *     z[n] = sum[n] x[n, n]      the inner n hides the outer one
 */
import type { Span } from "../support/span.ts";
import type { Declaration, Ident } from "../syntax/ast.ts";
import type { Context } from "./context.ts";
import { labelAt } from "./problem.ts";
import type { Scope } from "./scope.ts";
import { describe, type Value } from "./value.ts";

/** A declaration of the file whose name the library has too. */
export function warnHiddenLibrary(cx: Context, ident: Ident, of: Declaration["kind"], inLibrary: Span | undefined): void {
  const { name, span } = ident;
  cx.warn({
    code: "W0102", message: `this ${of === "fn" ? "function" : of === "const" ? "constant" : of} hides \`${name}\` of the ${inLibrary ? "library" : "language"}`, span, label: "hides another",
    related: [labelAt(inLibrary, "the library's")], hint: `another name keeps both: \`my_${name}\``,
  });
}

/** A name bound in `scope` that hides one further out. */
export function warnHiddenBinding(cx: Context, ident: Ident, scope: Scope<Value>): void {
  const { name, span } = ident;
  const holder = scope.parent?.holderOf(name);
  const hidden = holder?.own(name);
  if (!holder || !hidden?.span || name.startsWith("_") || holder.level === "library") return;
  // In a turn of `for`, binding a name of the block around is how it is carried; a declaration of the file is none of the block's.
  if (holder.level !== "file" && (scope.level === "turn" || !hidden.onUse)) return;
  cx.warn({
    code: "W0102", message: `\`${name}\` hides ${holder.level === "file" ? describeDeclared(hidden.value) : "a value"} of the same name`, span, label: "hides another",
    related: [labelAt(hidden.span, "the other")], hint: "give one of them another name",
  });
}

/** An index with the name of a value or of an index around. */
export function warnHiddenByIndex(cx: Context, ident: Ident, around: Scope<Value>): void {
  const { name, span } = ident;
  const hidden = around.lookup(name);
  if (!hidden?.span || name.startsWith("_")) return;
  const index = hidden.value.kind === "tensor" && hidden.value.indexed !== undefined;
  if (!index && !hidden.onUse) return;
  cx.warn({
    code: "W0102", message: `the index \`${name}\` hides ${index ? "an index" : "a value"} of the same name`, span, label: "hides another", related: [labelAt(hidden.span, "the other")],
    hint: "give the index another name",
  });
}

function describeDeclared(value: Value): string {
  return value.kind === "callable" ? describe(value).replace(/ `.*/, "") : value.kind === "file" ? "the name of a used file" : "a constant";
}
