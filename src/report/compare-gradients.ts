/**
 * Gradients put to the test at random points, in f64. In: a checked model and its graphs. Out: for each gradient given by
 * hand whether it is that of the function's body, and for each parameter whether the gradient of the loss is its central
 * difference. A rule may differ on purpose (a straight-through estimator), so what passes through one that does is told apart.
 *
 *     compareGradients(model, (entry) => program.graph(entry), { seed: 1 }).rules
 *     // [{ name: "sign_st", argument: "x", agrees: false, at: [0], found: 1, wanted: 0, … }]
 */
import type { CheckedModel, CheckedTrain } from "../check/checked.ts";
import type { Core, CoreOf } from "../check/core.ts";
import { partsOf } from "../check/core-parts.ts";
import { stepsOf } from "../check/train-facts.ts";
import { differentiate } from "../grad/differentiate.ts";
import type { EntryName } from "../graph/build.ts";
import { buildRule } from "../graph/build-rule.ts";
import { evaluate, type Surroundings } from "../graph/eval-graph.ts";
import { topological } from "../graph/topological.ts";
import { rootsOf } from "../graph/walk.ts";
import * as dims from "../ir/dims.ts";
import type { Graph } from "../ir/node.ts";
import type { TensorType } from "../ir/types.ts";
import type { Tensor64 } from "../ops/op.ts";
import { indexAt } from "../ops/tensor64.ts";
import type { Span } from "../support/span.ts";
import { randomNumbers } from "../support/random-numbers.ts";

/** Two gradients, and the first element in which they part. */
export interface Comparison {
  readonly agrees: boolean;
  /** Elements that were compared. */
  readonly count: number;
  readonly at?: readonly number[];
  readonly found?: number;
  readonly wanted?: number;
}

/** A gradient given by hand against that of the function's body. */
export interface RuleComparison extends Comparison {
  readonly name: string;
  readonly argument: string;
  /** The entry; the call where there is none. */
  readonly span: Span;
  /** The argument has no entry: its derivative is zero. */
  readonly silent?: boolean;
}

/** The gradient of the loss by a parameter against central differences. */
export interface LossComparison extends Comparison {
  readonly path: string;
  readonly span: Span;
  /** Functions through which it passes whose own gradient is not that of their body, `stop_gradient` among them. */
  readonly through: readonly string[];
}

/** What came of it. */
export interface GradientReport {
  readonly rules: readonly RuleComparison[];
  readonly loss: readonly LossComparison[];
  /** Functions that could not be compared, since their calls read the turn of a loop. */
  readonly skipped: readonly string[];
}

/** How to compare. */
export interface CompareOptions {
  readonly seed: number;
  /** Values of hyperparameters that may change. */
  readonly hypers: Readonly<Record<string, number>>;
  /** Its train block, whose steps may minimise different things. */
  readonly train?: CheckedTrain | undefined;
}

const [points, elementsEach, step] = [4, 24, 1e-6];
const near = (found: number, wanted: number): boolean => Math.abs(found - wanted) <= 1e-5 + 1e-3 * Math.abs(wanted);

/** Compares every gradient of the model. */
export function compareGradients(model: CheckedModel, graphOf: (entry: EntryName) => Graph, options: CompareOptions): GradientReport {
  const random = randomNumbers(options.seed);
  const calls = customCalls([...model.terms, ...model.outputs, ...model.metrics, ...model.updates].map((n) => n.value));
  const { rules, skipped, differing } = compareRules(model, calls, random, options);
  const loss = model.terms.length === 0 ? [] : compareLoss(model, graphOf, differing, random, options);
  return { rules, loss, skipped };
}

/** Every call of a function with a gradient of its own. */
function customCalls(roots: readonly Core[]): readonly CoreOf<"custom">[] {
  return everything(roots).filter((c): c is CoreOf<"custom"> => c.kind === "custom");
}

function everything(roots: readonly Core[]): readonly Core[] {
  const seen = new Set<Core>(roots);
  for (const core of seen) for (const part of partsOf(core)) seen.add(part);
  return [...seen];
}

function compareRules(model: CheckedModel, calls: readonly CoreOf<"custom">[], random: () => number, options: CompareOptions) {
  const found = new Map<string, RuleComparison>();
  const skipped = new Set<string>();
  const differing = new Set<CoreOf<"custom">>();
  for (const call of calls) {
    const graph = buildRule(call, true);
    if (!graph) {
      skipped.add(call.name);
      differing.add(call);
      continue;
    }
    const plain = differentiate.run(graph);
    const comparisons = call.args.map((): Comparison => ({ agrees: true, count: 0 }));
    for (let point = 0; point < points; point++) {
      const { outputs } = evaluate(plain, surroundings(model, plain, random, options));
      call.args.forEach((_, k) => {
        const [rule, derived] = [outputs.get(`rule ${k}`), outputs.get(`derived ${k}`)];
        if (rule && derived) comparisons[k] = joined(comparisons[k], compareTensors(rule, derived));
      });
    }
    call.args.forEach((arg, k) => {
      const name = arg.kind === "binding" ? arg.name : "";
      const entry = call.rules.find((r) => r.name === name);
      const comparison = comparisons[k] as Comparison;
      if (!comparison.agrees) differing.add(call);
      const key = `${call.name} ${name} ${(entry?.span ?? call.span).source.path} ${(entry ?? call).span.start}`;
      found.set(key, { name: call.name, argument: name, span: (entry ?? call).span, ...(!entry && { silent: true }), ...joined(found.get(key), comparison) });
    });
  }
  return { rules: [...found.values()], skipped: [...skipped], differing };
}

/** The first disagreement of two comparisons, and what both looked at. */
function joined(one: Comparison | undefined, other: Comparison): Comparison {
  if (!one) return other;
  const count = one.count + other.count;
  const { agrees, at, found, wanted } = one.agrees ? other : one;
  return { agrees, count, ...(at && { at }), ...(found !== undefined && { found }), ...(wanted !== undefined && { wanted }) };
}

function compareTensors(found: Tensor64, wanted: Tensor64): Comparison {
  let count = 0;
  for (let k = 0; k < wanted.data.length; k++) {
    const [f, w] = [found.data[k] as number, wanted.data[k] as number];
    // A point outside the function's domain says nothing.
    if (!Number.isFinite(w)) continue;
    count++;
    if (!near(f, w)) return { agrees: false, count, at: indexAt(k, wanted.shape), found: f, wanted: w };
  }
  return { agrees: true, count };
}

function compareLoss(model: CheckedModel, graphOf: (entry: EntryName) => Graph, differing: ReadonlySet<CoreOf<"custom">>, random: () => number, options: CompareOptions): readonly LossComparison[] {
  const graph = graphOf("gradients");
  const losses = graph.outputs.filter((o) => o.kind === "loss");
  const steps = options.train ? stepsOf(options.train) : [];
  const stops = everything(model.terms.map((t) => t.value)).filter((c) => c.kind === "stop" && !isShift(c.arg));
  const through = passingThrough([...differing, ...stops]);
  const stored = new Map(evaluate(graphOf("init"), surroundings(model, graphOf("init"), random, options)).commits);
  for (const { path } of model.params) {
    const at = stored.get(path);
    if (at) stored.set(path, { ...at, data: at.data.map((v) => v + random() / 2) });
  }
  const around = { ...surroundings(model, graph, random, options), stored: (path: string) => stored.get(path) as Tensor64 };
  const gradients = evaluate(graph, around).outputs;
  return model.params.flatMap((param): LossComparison[] => {
    const [gradient, at] = [gradients.get(param.path), stored.get(param.path)];
    if (!gradient || !at) return [];
    // Where steps minimise different things, the gradient is that of the first that trains the parameter.
    const trainer = steps.find((s) => s.optimizer.perParam.some((p) => p.param === param.path));
    const output = losses.find((o) => losses.length === 1 || o.name === `${trainer?.name ?? "step"}.loss`);
    if (!output) return [];
    const lossAt = (value: Tensor64): number => {
      const values = evaluate({ outputs: [output], commits: [] }, { ...around, stored: (path) => (path === param.path ? value : around.stored(path)) }).outputs;
      return values.get(output.name)?.data[0] ?? Number.NaN;
    };
    let comparison: Comparison = { agrees: true, count: 0 };
    for (const k of someOf(at.data.length, random)) {
      const moved = (by: number): number => lossAt({ ...at, data: at.data.map((v, i) => (i === k ? v + by : v)) });
      const [found, wanted] = [gradient.data[k] as number, (moved(step) - moved(-step)) / (2 * step)];
      comparison = joined(comparison, near(found, wanted) ? { agrees: true, count: 1 } : { agrees: false, count: 1, at: indexAt(k, at.shape), found, wanted });
    }
    return [{ path: param.path, span: param.span, through: [...(through.get(param.path) ?? [])], ...comparison }];
  });
}

/** For each parameter, the functions whose gradient is not theirs and that are made of it. */
function passingThrough(differing: readonly Core[]): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  for (const call of differing) {
    for (const core of everything([call])) {
      if (core.kind !== "leaf" || core.role !== "param") continue;
      found.set(core.path, (found.get(core.path) ?? new Set()).add(call.kind === "custom" ? call.name : "stop_gradient"));
    }
  }
  return found;
}

/** The largest value, held still where exponentials are shifted by it: by no such shift does the value change. */
function isShift(core: Core): boolean {
  let at = core;
  while (at.kind === "comprehend" || at.kind === "at" || at.kind === "binding") at = at.kind === "comprehend" ? at.body : at.kind === "at" ? at.base : at.value;
  return (at.kind === "reduce" || at.kind === "fold") && at.op === "max";
}

/** Values for whatever a graph reads: numbers from -2 to 2, labels inside their range, three examples. */
function surroundings(model: CheckedModel, graph: Pick<Graph, "outputs" | "commits">, random: () => number, { seed, hypers }: CompareOptions): Surroundings {
  const leaves = topological(rootsOf(graph)).flatMap((n) => (n.op === "leaf" ? [n] : []));
  const symbols = new Set([...leaves.flatMap((l) => l.type.shape.flatMap(dims.symbolsOf)), ...model.inputs.flatMap((i) => i.type.shape.flatMap(dims.symbolsOf))]);
  const sizes = Object.fromEntries([...symbols].map((s) => [s, s === model.batch ? 3 : 6]));
  const draw = (type: TensorType, range?: { readonly lo: number; readonly hi: number }): Tensor64 => {
    const shape = type.shape.map((d) => dims.evaluate(d, sizes));
    const { lo, hi } = range ?? { lo: 0, hi: 2 };
    const one = (): number => (type.dtype === "f32" && !range ? 2 * random() : lo + Math.floor(((random() + 1) / 2) * (hi - lo)));
    return { shape, data: Float64Array.from({ length: shape.reduce((n, d) => n * d, 1) }, one) };
  };
  const ranges = new Map(model.inputs.map((i) => [i.name, i.range]));
  const values = new Map(leaves.map((l) => [`${l.attrs.kind} ${l.attrs.path}`, draw(l.type, l.attrs.kind === "input" ? ranges.get(l.attrs.path) : undefined)]));
  const value = (key: string): Tensor64 => values.get(key) ?? { shape: [], data: Float64Array.of(0) };
  return {
    sizes, seed, step: 1, example: 0, input: (name) => value(`input ${name}`),
    stored: (path) => values.get(`param ${path}`) ?? value(`state ${path}`),
    scalar: (kind, name) => (kind === "step" ? 1 : (hypers[name] ?? model.hypers.find((h) => h.name === name)?.value ?? 0)),
  };
}

/** Some positions of many, each once. */
function someOf(count: number, random: () => number): readonly number[] {
  if (count <= elementsEach) return Array.from({ length: count }, (_, k) => k);
  const chosen = new Set<number>();
  while (chosen.size < elementsEach) chosen.add(Math.min(count - 1, Math.floor(((random() + 1) / 2) * count)));
  return [...chosen].sort((a, b) => a - b);
}
