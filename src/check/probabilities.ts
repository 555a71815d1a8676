/**
 * W0302: probabilities where logits are expected. A parameter called `logits` says what it takes; `softmax` and
 * `log_softmax` take logits too. A softmax or sigmoid given to one of them trains, slowly and to the wrong optimum, which
 * nothing else would show.
 *
 *     p = softmax(dense(h, 10))
 *     loss = cross_entropy(p, y)        cross_entropy takes the softmax itself
 */
import type { Span } from "../support/span.ts";
import type { Context, Env } from "./context.ts";
import type { Core } from "./core.ts";
import type { Callable, GivenArgument } from "./value.ts";

/** Functions of logits whose parameter has another name. */
const ofLogits: ReadonlySet<string> = new Set(["softmax", "log_softmax"]);

/** Looks at the arguments of one call. */
export function warnProbabilities(cx: Context, declaration: Callable, given: ReadonlyMap<string, GivenArgument>, env: Env): void {
  const { name } = declaration.name;
  const again = ofLogits.has(name) && cx.isLibrary(declaration.span.source);
  for (const [k, param] of declaration.params.entries()) {
    const argument = given.get(param.name.name);
    if (param.name.name !== "logits" && !(again && k === 0)) continue;
    const found = argument?.value.kind === "tensor" ? probability(argument.value.core) : undefined;
    if (!argument || !found) continue;
    const { start, end, source } = argument.span;
    const written = cx.isLibrary(found.span.source) ? env.scope.lookup(source.text.slice(start, end))?.span : found.span;
    cx.warn({
      code: "W0302", message: `\`${name}\` takes logits, and this is a ${found.what}`, span: argument.span, label: `a ${found.what}`,
      related: [written && { span: written, text: "computed here" }, again ? undefined : { span: param.span, text: "logits: values before the softmax" }],
      hint: `give it what goes into the ${found.what}`,
    });
  }
}

/** Which kind of probability a value is, through what only rearranges it. */
function probability(core: Core): { readonly what: "softmax" | "sigmoid"; readonly span: Span } | undefined {
  switch (core.kind) {
    case "binding":
      return probability(core.value);
    case "reshape":
    case "transpose":
    case "slice":
    case "broadcast":
    case "stop":
      return probability(core.arg);
    case "training":
      return probability(core.then);
    case "at":
      return probability(core.base);
    case "comprehend":
      return probability(core.body);
    case "apply":
      if (core.op === "sigmoid") return { what: "sigmoid", span: core.span };
      return core.op === "div" && isExp(core.args[0]) && sumsExp(core.args[1]) ? { what: "softmax", span: core.span } : undefined;
    default:
      return undefined;
  }
}

function isExp(core: Core | undefined): boolean {
  if (core?.kind === "binding") return isExp(core.value);
  if (core?.kind === "at") return isExp(core.base);
  if (core?.kind === "comprehend") return isExp(core.body);
  return core?.kind === "apply" && core.op === "exp";
}

function sumsExp(core: Core | undefined): boolean {
  if (core?.kind === "binding") return sumsExp(core.value);
  if (core?.kind === "broadcast" || core?.kind === "reshape") return sumsExp(core.arg);
  if (core?.kind === "at") return sumsExp(core.base);
  if (core?.kind === "comprehend") return sumsExp(core.body);
  return (core?.kind === "reduce" && core.op === "sum" && isExp(core.arg)) || (core?.kind === "fold" && core.op === "sum" && isExp(core.body));
}
