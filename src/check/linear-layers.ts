/**
 * W0303: two linear layers with nothing in between. (x A + a) B + b is one linear layer, so the first adds parameters and
 * no ability, unless it narrows: where A's width is less than what goes in and what comes out, the product has a
 * low rank, which is what a factorisation or a linear autoencoder is written for.
 *
 *     h = dense(x, 128)
 *     y = dense(h, 10)       relu forgotten
 */
import type { Span } from "../support/span.ts";
import type { CheckedModel } from "./checked.ts";
import type { Context, ModelState } from "./context.ts";
import type { Core, CoreOf } from "./core.ts";
import { labelAt } from "./problem.ts";

type Leaf = CoreOf<"leaf">;

/** x W, in either notation. */
interface LinearLayer {
  readonly input: Core;
  readonly weight: Leaf;
  /** Sizes of what goes in and comes out. */
  readonly from: number;
  readonly to: number;
  readonly span: Span;
}

/** Looks at everything that the model computes. */
export function warnLinearLayers(cx: Context, model: CheckedModel, state: ModelState): void {
  const seen = new Set<Core>();
  const pending: Core[] = [...model.terms, ...model.outputs, ...model.metrics].map((n) => n.value);
  for (let core = pending.pop(); core; core = pending.pop()) {
    if (seen.has(core)) continue;
    seen.add(core);
    for (const child of partsOf(core)) pending.push(child);
    const second = linearLayer(core);
    const first = second && linearBelow(second.input);
    if (!second || !first || first.weight.path === second.weight.path || first.to < Math.min(first.from, second.to)) continue;
    const place = ({ weight, span }: LinearLayer): Span => (cx.isLibrary(span.source) ? (state.params.get(weight.path)?.call ?? span) : span);
    cx.warn({
      code: "W0303", message: "two linear layers in a row compute no more than one", span: place(second), label: "the second", related: [labelAt(place(first), "the first: nothing bends its result")],
      hint: "put an activation between them: `relu(…)`",
    });
  }
}

/** The operands of an expression, whatever it is. */
function partsOf(core: Core): readonly Core[] {
  switch (core.kind) {
    case "apply":
    case "concat":
    case "primitive":
      return core.args;
    case "cast":
    case "reduce":
    case "transpose":
    case "reshape":
    case "broadcast":
    case "stop":
    case "slice":
      return [core.arg];
    case "select":
      return [core.then, core.otherwise];
    case "training":
      return [core.then];
    case "matmul":
      return [core.a, core.b];
    case "comprehend":
    case "fold":
      return [core.body];
    case "at":
      return [core.base];
    case "loop":
      return core.loop.carries.flatMap((c) => [c.init, c.next]);
    case "derive":
      return [core.value];
    case "binding":
      return [core.value];
    default:
      return [];
  }
}

/** The linear layer whose result this is, through names, biases and factors that are numbers. */
function linearBelow(core: Core): LinearLayer | undefined {
  let at: Core | undefined = core;
  while (at) {
    const layer = linearLayer(at);
    if (layer) return layer;
    if (at.kind === "binding") at = at.value;
    else if (at.kind === "apply" && at.op === "add") at = besideOffset(at.args);
    else if (at.kind === "apply" && at.op === "mul") at = at.args.find((_, k, args) => args[1 - k]?.kind === "number");
    else if (at.kind === "comprehend" && at.body.kind === "apply" && at.body.op === "add") return linearFormula(at, besideOffset(at.body.args));
    else at = undefined;
  }
  return undefined;
}

/** The operand of a sum whose other operand is a parameter or a number: an offset that depends on no data. */
function besideOffset(args: readonly Core[]): Core | undefined {
  return args.find((_, k) => {
    const other = args[1 - k];
    return other !== undefined && (paramOf(other) !== undefined || other.kind === "number");
  });
}

function paramOf(core: Core): Leaf | undefined {
  if (core.kind === "binding") return paramOf(core.value);
  if (core.kind === "broadcast" || core.kind === "transpose") return paramOf(core.arg);
  if (core.kind === "at") return paramOf(core.base);
  return core.kind === "leaf" && core.role === "param" ? core : undefined;
}

function linearLayer(core: Core): LinearLayer | undefined {
  if (core.kind === "comprehend") return linearFormula(core, core.body);
  if (core.kind !== "matmul") return undefined;
  const weight = paramOf(core.b);
  const from = core.b.type.shape[0];
  const to = core.b.type.shape[1];
  if (!weight || paramOf(core.a) || typeof from !== "number" || typeof to !== "number") return undefined;
  return { input: core.a, weight, from, to, span: core.span };
}

/** z[…, o] = sum[i] x[…, i] * W[i, o]. */
function linearFormula(whole: CoreOf<"comprehend">, body: Core | undefined): LinearLayer | undefined {
  if (body?.kind !== "fold" || body.op !== "sum" || body.guard || body.indices.length !== 1) return undefined;
  const product = body.body;
  if (product.kind !== "apply" || product.op !== "mul") return undefined;
  for (const [k, factor] of product.args.entries()) {
    const weight = paramOf(factor);
    const other = product.args[1 - k];
    if (!weight || factor.kind !== "at" || other?.kind !== "at" || paramOf(other)) continue;
    const plain = [...factor.index, ...other.index].every((i) => i.kind === "index");
    const to = whole.type.shape.at(-1);
    const [summed] = body.indices;
    if (plain && factor.index.length === 2 && typeof summed?.extent === "number" && typeof to === "number") return { input: other.base, weight, from: summed.extent, to, span: whole.span };
  }
  return undefined;
}
