/**
 * The axes that `...` stands for where it is used: in the brackets of a draw and among the sizes of `reshape`. The type of
 * a parameter binds them, and an initialiser sees those that it fills.
 *
 *     fn f(x: f32[N, ...])       in its body, `reshape(y, N, ...)` has the axes of x again
 */
import type { Span } from "../support/span.ts";
import type { Context, Env } from "./context.ts";
import type { Value } from "./value.ts";

/** The sizes of the axes; where nothing has bound them, that is reported. */
export function restAxes(cx: Context, span: Span, env: Env): readonly Value[] | undefined {
  const rest = env.scope.lookup("...")?.value;
  if (rest?.kind === "list") return rest.items;
  cx.error({ code: "E0213", message: "`...` stands for no axes here", span, hint: "a parameter's type binds it: `x: f32[..., n]`" });
  return undefined;
}
