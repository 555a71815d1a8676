/**
 * What a name means where it stands: what is bound in the scopes around, then what the language gives (`training`,
 * `weights`, `loss`, `g`, `pi`), then the functions of the core. An unknown name gets a suggestion.
 */
import { tensor } from "../ir/types.ts";
import type { Span } from "../support/span.ts";
import type { Ident } from "../syntax/ast.ts";
import { suggest } from "../support/suggest.ts";
import type { Context, Env, ModelState } from "./context.ts";
import { builtinNames } from "./builtins.ts";
import type { Core } from "./core.ts";
import { gradient } from "./derivatives.ts";
import { foreignHint } from "./foreign-names.ts";
import { apply } from "./elementwise.ts";
import { literal, numberCore, tensorValue } from "./make.ts";
import { type FileValue, poison, type SetValue, type TensorValue, type Value } from "./value.ts";

/** Names that mean something without being bound. */
export const contextualNames: readonly string[] = ["training", "weights", "biases", "params", "loss", "g", "pi"];

/** The value of a name. */
export function resolveName(cx: Context, name: string, span: Span, env: Env): Value {
  const found = env.scope.lookup(name);
  if (found) {
    found.onUse?.();
    if (found.state !== undefined) cx.effects++;
    if (found.state !== undefined) return cx.model?.states.get(found.state)?.current ?? poison;
    return found.value;
  }
  const given = contextual(cx, name, span);
  if (given) return given;
  if (builtinNames.includes(name)) return { kind: "builtin", name };
  if (cx.isIncomplete(span.source)) return poison;
  unknownName(cx, name, span, env);
  return poison;
}

/** A declaration of a used file: `more.focal`. */
export function resolveMember(cx: Context, file: FileValue, { name, span }: Ident): Value {
  const found = file.members.get(name);
  if (found) return found.value;
  if (file.models.includes(name)) {
    cx.error({ code: "E0108", message: `\`${name}\` is a model of \`${file.path}\`, which only \`train\` may name`, span, label: "a model" });
    return poison;
  }
  const near = suggest(name, file.members.keys());
  cx.error({ code: "E0101", message: `\`${file.path}\` declares no \`${name}\``, span, label: "unknown name", hint: near ? `did you mean \`${near}\`?` : undefined });
  return poison;
}

/** Whether a name means something here. */
export function isKnownName(cx: Context, name: string, env: Env): boolean {
  return env.scope.lookup(name) !== undefined || builtinNames.includes(name) || cx.libraryNames().includes(name);
}

/** Reports a name that means nothing here, with the nearest one that does. */
function unknownName(cx: Context, name: string, span: Span, env: Env): void {
  // Whoever mends the first place mends them all, so each block says it once.
  const key = `${env.frame.id} ${name}`;
  if (cx.unknownNames.has(key)) return;
  cx.unknownNames.add(key);
  const near = suggest(name, [...env.scope.visible(), ...cx.libraryNames(), ...builtinNames, ...contextualNames]);
  const same = near !== undefined && near.toLowerCase() === name.toLowerCase();
  const hint = cx.endedHint(name, span) ?? (same ? undefined : foreignHint(name)) ?? (near ? `did you mean \`${near}\`?` : undefined);
  cx.error({ code: "E0101", message: `nothing is called \`${name}\` here`, span, label: "unknown name", hint });
}

function contextual(cx: Context, name: string, span: Span): Value | undefined {
  if (name === "pi") return literal(Math.PI, span);
  if (name === "training") return training(span);
  const { model } = cx;
  if (!model) return undefined;
  // What these mean depends on the line: a call that reads one is not like an earlier call.
  if (contextualNames.includes(name)) cx.effects++;
  if (name === "weights" || name === "biases" || name === "params") return parameterSet(model, name);
  if (name === "loss") return objective(cx, model, span);
  if (name === "g") {
    const e = objective(cx, model, span);
    return e.kind === "poison" ? poison : gradient(cx, { value: e, span }, { value: parameterSet(model, "params"), span }, span);
  }
  return undefined;
}

/** True in the training step, false elsewhere. */
function training(span: Span): TensorValue {
  const type = tensor("bool", []);
  const core: Core = { kind: "training", then: numberCore(1, "bool", span), otherwise: numberCore(0, "bool", span), type, span };
  return tensorValue(core, { staged: { training: true, elsewhere: false } });
}

/** Parameters of a role, those declared further down included. */
export function parameterSet(model: ModelState, name: "weights" | "biases" | "params"): SetValue {
  const role = { weights: "weight", biases: "bias", params: undefined }[name];
  model.setsSeen = Math.min(model.setsSeen ?? Number.POSITIVE_INFINITY, model.params.size);
  const all = new Map([...model.foreseen.map((p) => [p.path, p] as const), ...model.params]);
  const members = [...all.values()]
    .filter((p) => role === undefined || p.role === role)
    .map((p) => tensorValue({ kind: "leaf", role: "param", path: p.path, type: p.type, span: p.span }));
  return { kind: "set", members };
}

/** The whole objective as far as it is written: the sum of the terms, those to be maximised negated. */
export function objective(cx: Context, model: ModelState, span: Span): Value {
  const [first, ...rest] = model.terms;
  if (!first) {
    cx.error({ code: "E0101", message: "there is no loss above this line", span });
    return poison;
  }
  const zero = literal(0, span);
  const start: Value = first.sense === "minimize" ? tensorValue(first.value) : apply(cx, "sub", [{ value: zero, span }, { value: tensorValue(first.value), span }], span);
  return rest.reduce<Value>((sum, term) => apply(cx, term.sense === "minimize" ? "add" : "sub", [{ value: sum, span }, { value: tensorValue(term.value), span }], span), start);
}
