/**
 * Which parameters `over = …` and `freeze = …` mean. In: an expression and a model's parameters. Out: their paths, in the
 * model's order; what selects none is reported.
 *
 *     over = weights            the parameters of a role; `params` is all of them
 *     over = D                  everything under a name of the model: `Gan.D.h.W`, `Gan.D.h.b`
 *     over = batch_norm         everything that calls of a layer own, where no name of the model is called so
 *     over = "Gan.D.*.W"        a pattern, in which `*` stands for any characters; `Gan.` may be left out
 *     over = [D, "G.out"]       all of these
 */
import { suggest } from "../support/suggest.ts";
import type { Expr } from "../syntax/ast.ts";
import type { CheckedParam } from "./checked.ts";
import type { Context, ModelState } from "./context.ts";

/** The parameters of a model, with the layers that each was made in. */
export type Selectable = Pick<ModelState, "name" | "params">;

/** The paths, or undefined when something was reported. */
export function selectParams(cx: Context, expr: Expr, model: Selectable): ReadonlySet<string> | undefined {
  const items = expr.kind === "array" ? expr.items : [expr];
  const found = new Set<string>();
  let sound = true;
  for (const item of items) {
    const chosen = selectOne(cx, item, model);
    sound &&= chosen !== undefined;
    for (const path of chosen ?? []) found.add(path);
  }
  return sound ? new Set([...model.params.keys()].filter((path) => found.has(path))) : undefined;
}

function selectOne(cx: Context, expr: Expr, { name: model, params: all }: Selectable): readonly string[] | undefined {
  const params = [...all.values()];
  const role = expr.kind === "name" ? roles.get(expr.name) : undefined;
  const written = expr.kind === "string" ? expr.value : dotted(expr);
  if (written === undefined) {
    cx.error({
      code: "E0411", message: "parameters are named by a set, by a name of the model or by a pattern", span: expr.span, label: "none of these",
      hint: 'weights, D, "Gan.D.*", [D, "G.out"]',
    });
    return undefined;
  }
  const fits = matcher(written, model);
  const chosen = params.filter((p) => (role === undefined ? fits(p.path) : role === "any" || p.role === role)).map((p) => p.path);
  if (chosen.length > 0) return chosen;
  const made = expr.kind === "name" ? params.filter((p) => p.layers.includes(expr.name)).map((p) => p.path) : [];
  if (made.length > 0) return made;
  const owners = [...new Set(params.flatMap((p) => [...prefixes(p.path.slice(model.length + 1)), ...p.layers]))];
  const near = suggest(written, owners);
  cx.error({
    code: "E0411", message: `no parameter of \`${model}\` is meant by \`${written}\``, span: expr.span, label: "selects nothing",
    hint: near ? `did you mean \`${near}\`?` : params.length > 0 ? `there ${params.length === 1 ? "is" : "are"} ${listed(params.map((p) => p.path))}` : undefined,
  });
  return undefined;
}

const roles: ReadonlyMap<string, CheckedParam["role"] | "any"> = new Map([["weights", "weight"], ["biases", "bias"], ["params", "any"]]);

/** `D`, `trunk.h`. */
function dotted(expr: Expr): string | undefined {
  const names: string[] = [];
  let at = expr;
  while (at.kind === "field") {
    names.unshift(at.name.name);
    at = at.target;
  }
  return at.kind === "name" ? [at.name, ...names].join(".") : undefined;
}

/** `h.dense.W` gives `h`, `h.dense` and `h.dense.W`. */
function prefixes(path: string): string[] {
  const words = path.split(".");
  return words.map((_, k) => words.slice(0, k + 1).join("."));
}

function listed(paths: readonly string[]): string {
  return paths.length > 6 ? `${paths.slice(0, 6).join(", ")}, … (${paths.length} in all)` : paths.join(", ");
}

/** Whether a path, with or without the model's name, is what is written or lies under it. */
function matcher(written: string, model: string): (path: string) => boolean {
  const pieces = written.split("*");
  return (path) => [path, path.slice(model.length + 1)].some((p) => fitsPieces(p, pieces) || fitsPieces(p, [...pieces.slice(0, -1), `${pieces.at(-1) ?? ""}.`, ""]));
}

/** Whether a text consists of the pieces in order with anything between them; each is taken where it first fits. */
function fitsPieces(text: string, pieces: readonly string[]): boolean {
  const [first = "", ...rest] = pieces;
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return text.length - at >= last.length && text.endsWith(last);
}
