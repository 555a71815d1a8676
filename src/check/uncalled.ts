/**
 * A look at declarations that nothing calls. Their sizes are unknown, so only names are checked: parameters and what
 * follows from them are poison, and an unknown name still stands out.
 */
import { Diagnostics } from "../support/diagnostic.ts";
import { type Context, type Env, emptyModel } from "./context.ts";
import { defineStep } from "./calls.ts";
import { mentionedNames } from "./mentions.ts";
import { plainFrame } from "./models.ts";
import { overNames } from "./over-optimizers.ts";
import { checkEntries, hasOwnGradient } from "./own-gradient.ts";
import { runBody } from "./body.ts";
import { Scope } from "./scope.ts";
import { type Callable, poison, type Value } from "./value.ts";

const nameCodes: ReadonlySet<string> = new Set(["E0101", "E0102", "E0103", "E0109", "E0320"]);

/** Reports unknown and doubled names in a declaration's body. */
export function checkUncalled(begin: (into: Diagnostics) => Context, declaration: Callable, file: Scope<Value>, diagnostics: Diagnostics): void {
  const own = new Diagnostics();
  const cx = begin(own);
  cx.model = { ...emptyModel(declaration.name.name), theta: { dtype: "f32", shape: [], fixed: [] } };
  const scope = new Scope<Value>(file);
  for (const { name, type } of declaration.params) {
    scope.define({ name: name.name, span: name.span, value: poison });
    for (const dim of type?.dims ?? []) {
      if (dim.kind === "ellipsis") scope.define({ name: "...", value: { kind: "list", items: [] } });
      else for (const size of mentionedNames(dim)) if (!scope.lookup(size)) scope.define({ name: size, value: poison });
    }
  }
  if (declaration.kind === "optimizer") for (const name of ["θ", "g", "is_weight"]) scope.define({ name, value: poison });
  if (declaration.kind === "optimizer" && declaration.over) {
    const sizes = declaration.over.type.dims.flatMap((dim) => (dim.kind === "ellipsis" ? [] : [...mentionedNames(dim)]));
    for (const name of [declaration.over.name.name, ...overNames, ...sizes]) if (!scope.own(name)) scope.define({ name, value: poison });
  }
  if (declaration.kind === "initializer") {
    for (const name of ["fan_in", "fan_out"]) scope.define({ name, value: poison });
    scope.define({ name: "...", value: { kind: "list", items: [] } });
  }
  if (declaration.kind === "optimizer" || declaration.kind === "schedule") defineStep(scope, declaration.name.span);
  const place: Env["place"] = { path: declaration.name.name, named: true, turns: "" };
  runBody(cx, { declaration, scope, place, span: declaration.name.span, kind: declaration.kind });
  if (hasOwnGradient(declaration)) checkEntries(cx, declaration, { scope, place, frame: plainFrame(cx, "fn") });
  for (const d of own.list) if (nameCodes.has(d.code)) diagnostics.add(d);
}
