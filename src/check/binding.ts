/** Binding a name in a scope: once per scope, with a note whether it is used. */
import type { Ident } from "../syntax/ast.ts";
import type { Context, Env } from "./context.ts";
import { labelAt } from "./problem.ts";
import type { Definition } from "./scope.ts";
import { warnHiddenBinding } from "./shadows.ts";
import type { Value } from "./value.ts";

/** Binds the name, or reports that it is bound already. Names of the user's files should be used, unless they start with `_`. */
export function bindName(cx: Context, env: Env, ident: Ident, value: Value, more: Pick<Definition<Value>, "state" | "onUse" | "onDrop"> = {}): void {
  const { name, span } = ident;
  const watched = !cx.isLibrary(span.source) && !name.startsWith("_") && value.kind !== "poison";
  const note = watched ? cx.expectUse(name, span) : () => undefined;
  const { onUse, onDrop, state } = more;
  const used = (): void => {
    note();
    onUse?.();
  };
  const inDropped = (): void => {
    note();
    (onDrop ?? onUse)?.();
  };
  const twice = env.scope.define({ name, span, value, onUse: used, onDrop: inDropped, ...(state !== undefined && { state }) });
  if (!twice) return warnHiddenBinding(cx, ident, env.scope);
  cx.error({
    code: "E0102", message: `\`${name}\` is bound twice`, span, label: "again here", related: [labelAt(twice.span, "first here")],
    hint: "each name is bound once; give the second another name",
  });
}
