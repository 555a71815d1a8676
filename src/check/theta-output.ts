/**
 * `output θ = e` in an optimizer: what evaluation, prediction and export use in a parameter's place, from the values that
 * are stored after an update. Training goes on from θ.
 *
 *     optimizer polyak(lr = 0.01) {
 *       state a ~ zeros
 *       θ <- θ - lr * g
 *       a <- a + (θ - a) / t
 *       output θ = a
 *     }
 */
import { printShape, sameShape } from "../ir/types.ts";
import type { Output } from "../syntax/ast.ts";
import type { Context, Env, ModelState } from "./context.ts";
import type { Core } from "./core.ts";
import { partsOf } from "./core-parts.ts";
import { coerce, tensorValue } from "./make.ts";
import { evaluateTensor } from "./operands.ts";
import { labelAt } from "./problem.ts";

/** Evaluates the expression once the body is done. */
export function declareThetaOutput(cx: Context, model: ModelState, statement: Output, env: Env): void {
  const { target, value } = statement;
  const theta = model.theta;
  const { name, span } = target.name;
  const vector = model.thetaName ?? "θ";
  if (name !== vector || target.items || !value || !theta) {
    cx.error({ code: "E0417", message: "an optimizer has one output, which stands for the parameter", span, hint: `output ${vector} = a` });
    return;
  }
  if (model.thetaOutput) {
    cx.error({ code: "E0417", message: "an optimizer has one output", span, related: [labelAt(model.thetaOutput.span, "the first")] });
    return;
  }
  model.thetaOutput = { span };
  env.frame.atEnd.push(() => {
    // What is stored is what a state's last `<-` gave, so every name is read as its stored value.
    for (const [path, state] of model.states) {
      const leaf: Core = path === env.scope.lookup(vector)?.state ? state.init : { kind: "leaf", role: "state", path, type: state.type, span: state.span };
      model.states.set(path, { ...state, current: tensorValue(leaf) });
    }
    const given = evaluateTensor(cx, value, env, "the output of an optimizer");
    if (!given) return;
    const { core } = coerce(given, "f32");
    const gradient = gradientIn(core);
    if (gradient) {
      cx.error({
        code: "E0417", message: "evaluation has no gradient, and this output needs one", span: value.span, label: "depends on `g`",
        hint: `write it in ${vector}, \`t\` and states; a name bound above an update holds what was computed there`,
      });
      return;
    }
    if (!sameShape(core.type.shape, theta.shape)) {
      cx.error({ code: "E0202", message: `the output stands for a parameter of ${printShape(theta.shape)} and has the shape ${printShape(core.type.shape)}`, span: value.span });
      return;
    }
    model.thetaOutput = { span, value: core };
  });
}

/** Whether a gradient, or the loss at another point, occurs in an expression; a walk without recursion. */
function gradientIn(core: Core): boolean {
  const seen = new Set<Core>([core]);
  const open = [core];
  for (let next = open.pop(); next; next = open.pop()) {
    if (next.kind === "gradient" || next.kind === "replace") return true;
    for (const part of partsOf(next)) {
      if (seen.has(part)) continue;
      seen.add(part);
      open.push(part);
    }
  }
  return false;
}
