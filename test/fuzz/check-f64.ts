/**
 * One case in f64 alone: the graph has the same values after each pass, and the gradient of its loss is what differences say,
 * along a random direction of all leaves. What a tie or a kink decides is left out.
 *
 *     checkF64(recipe)      // { elements: 312, left: 0, slope: "agrees" }
 */
import { normaliseBy } from "../../src/simplify/normalise.ts";
import { simplifyBy } from "../../src/simplify/simplify.ts";
import { differentiate } from "../../src/grad/differentiate.ts";
import { evaluate, type Surroundings } from "../../src/graph/eval-graph.ts";
import { printGraph } from "../../src/graph/print-graph.ts";
import { rootsOf, topological } from "../../src/graph/walk.ts";
import { verifyGraph } from "../../src/graph/verify-graph.ts";
import type { Graph, Node } from "../../src/ir/node.ts";
import type { TensorType } from "../../src/ir/types.ts";
import type { Tensor64 } from "../../src/ops/op.ts";
import { numbers } from "../graphs/values.ts";
import { allowances } from "./check-case.ts";
import { fuzzGraph } from "./fuzz-graph.ts";
import { moderate } from "./leaves.ts";
import { evaluateNoisy } from "./noise.ts";
import type { Recipe } from "./recipe.ts";

/** What came of a case without a difference. */
export interface CheckedF64 {
  /** Elements compared after each pass, and those that a tie decides. */
  readonly elements: number;
  readonly left: number;
  /** The largest difference after a pass, relative to 1 or the value. */
  readonly worst: number;
  readonly slope: "agrees" | "at a kink" | "no path" | "too large values";
  /** Of the gradient from the differences, relative likewise. */
  readonly off: number;
}

/** Relative error after a pass: rounding in f64 and no more. */
const relative = 1e-10;
const step = 1e-6;
const [atol, rtol] = [1e-5, 1e-3];

/** Throws an error that tells all there is to know where the case differs. */
export function checkF64(recipe: Recipe): CheckedF64 {
  const graph = fuzzGraph(recipe);
  const plain = differentiate.run(graph);
  const leaves = moderate(plain, recipe);
  if (!leaves) return { elements: 0, left: 0, worst: 0, slope: "too large values", off: 0 };
  const { around } = leaves;
  const truth = evaluateNoisy(rootsOf(plain), around, undefined);
  const allowed = allowances(plain, around, truth);
  const fail = (what: string, of: Graph): Error => new Error(`${what}\n${JSON.stringify({ recipe })}\n${printGraph(of)}`);
  const totals = { elements: 0, left: 0, worst: 0 };
  const off: ReadonlySet<string> = new Set();
  const normal = normaliseBy({ off }).run(graph);
  const stages: readonly (readonly [string, Graph])[] = [
    ["simplify alone", simplifyBy({ off }).run(plain)], ["normalise", differentiate.run(normal)], ["normalise and simplify", simplifyBy({ off }).run(differentiate.run(normal))],
  ];
  for (const [name, stage] of stages) {
    verifyGraph(stage, { forms: false });
    const allowedThere = allowances(stage, around, truth);
    evaluateNoisy(rootsOf(stage), around, undefined).forEach((value, k) => {
      const exact = truth[k] as Tensor64;
      exact.data.forEach((t, i) => {
        if (Number.isNaN(allowed[k]?.[i] ?? 0) || Number.isNaN(allowedThere[k]?.[i] ?? 0)) {
          totals.left++;
          return;
        }
        totals.elements++;
        const by = Math.abs((value.data[i] ?? Number.NaN) - t) / Math.max(1, Math.abs(t));
        if (!(by <= relative)) throw fail(`after ${name}, element ${i} of result ${k} is ${value.data[i]}, before ${t}`, stage);
        totals.worst = Math.max(totals.worst, by);
      });
    });
  }
  return { ...totals, ...slopeOf(plain, around, recipe, fail) };
}

/** The loss along a direction, against its gradient along it. */
function slopeOf(plain: Graph, around: Surroundings, recipe: Recipe, fail: (what: string, of: Graph) => Error): Pick<CheckedF64, "slope" | "off"> {
  const outputs = plain.outputs.filter((o) => o.kind === "loss" || o.kind === "gradient");
  const at = { ...plain, outputs, commits: [] };
  const stops = topological(rootsOf(at)).filter((n) => n.op === "stop");
  const values = evaluate({ ...at, outputs: [...outputs, ...stops.map((node, k) => ({ name: `stop ${k}`, kind: "value" as const, node }))] }, around).outputs;
  // What is stopped stays as it is when the leaves move.
  const known = new Map<Node, Tensor64>(stops.map((node, k) => [node, values.get(`stop ${k}`) as Tensor64]));
  const next = numbers(recipe.seed + 77);
  const direction = new Map<string, Float64Array>();
  let expected = 0;
  for (const o of outputs) {
    if (o.kind !== "gradient") continue;
    const gradient = values.get(o.name) as Tensor64;
    const along = Float64Array.from({ length: gradient.data.length }, () => 2 * next() - 1);
    direction.set(o.name.slice("d.".length), along);
    gradient.data.forEach((g, i) => {
      expected += g * (along[i] as number);
    });
  }
  if (direction.size === 0) return { slope: "no path", off: 0 };
  const loss = { ...at, outputs: outputs.filter((o) => o.kind === "loss") };
  const lossAt = (t: number): number => {
    const moved = (of: (path: string, type: TensorType) => Tensor64) => (path: string, type?: TensorType): Tensor64 => {
      const along = direction.get(path);
      const base = of(path, type as TensorType);
      return along ? { shape: base.shape, data: base.data.map((v, i) => v + t * (along[i] as number)) } : base;
    };
    return evaluate(loss, { ...around, input: moved(around.input), stored: moved(around.stored), known }).outputs.get("loss")?.data[0] ?? Number.NaN;
  };
  const central = (h: number): number => (lossAt(h) - lossAt(-h)) / (2 * h);
  const found = central(step);
  const by = Math.abs(found - expected);
  if (by <= atol + rtol * Math.abs(expected)) return { slope: "agrees", off: by / Math.max(1, Math.abs(expected)) };
  // A kink or a jump within the step: one side is not like the other, or a smaller step sees something else.
  const middle = lossAt(0);
  const sides = Math.abs((lossAt(step) - middle) / step - (middle - lossAt(-step)) / step);
  const room = atol + rtol * Math.max(Math.abs(expected), Math.abs(found));
  if (sides > room / 4 || Math.abs(central(step / 16) - found) > room / 4) return { slope: "at a kink", off: 0 };
  throw fail(`the gradient along a direction is ${expected}, differences say ${found}`, plain);
}
