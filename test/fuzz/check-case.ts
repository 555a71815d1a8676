/**
 * One case: a recipe compiled in several ways and run on a machine, against the f64 evaluator. What rounding may do is
 * found by noise (see noise.ts); elements that a tie or a kink decides are left out, never given room.
 *
 *     await checkCase(deviceMachine(device), recipe, choice)      // { kind: "agrees", elements: 312, left: 4, nodes: 57 }
 */
import type { Values } from "../../src/harness/runtime/engine.ts";
import type { Graph } from "../../src/ir/node.ts";
import type { Surroundings } from "../../src/graph/eval-graph.ts";
import { printGraph } from "../../src/graph/print-graph.ts";
import { rootsOf } from "../../src/graph/walk.ts";
import { UserError } from "../../src/support/diagnostic.ts";
import { verifyGraph } from "../../src/graph/verify-graph.ts";
import { differentiate } from "../../src/grad/differentiate.ts";
import type { Tensor64 } from "../../src/ops/op.ts";
import { normaliseBy } from "../../src/simplify/normalise.ts";
import { simplifyBy } from "../../src/simplify/simplify.ts";
import { fuzzGraph } from "./fuzz-graph.ts";
import { moderate } from "./leaves.ts";
import { type Machine, ofF32, type Room } from "./machine.ts";
import { evaluateNoisy, noise } from "./noise.ts";
import type { Recipe } from "./recipe.ts";
import { rules, type Variant, variants } from "./variants.ts";

/** What came of a case that found no difference. */
export interface Checked {
  readonly kind: "agrees" | "too large values";
  readonly elements: number;
  readonly left: number;
  readonly ran: readonly string[];
}

/** Where noise moves an element further than this, a kink or a tie decides it: it is left out. */
const undecided = 1e-3;
/** Throws an error that tells all there is to know where a variant differs. */
export async function checkCase(machine: Machine, recipe: Recipe, choice: number, ways: readonly Variant[] = variants(choice, machine.inStep)): Promise<Checked> {
  const graph = fuzzGraph(recipe);
  verifyGraph(graph);
  const plain = differentiate.run(graph);
  verifyGraph(plain, { forms: false });
  const roots = rootsOf(plain);
  const leaves = moderate(plain, recipe);
  if (!leaves) return { kind: "too large values", elements: 0, left: 0, ran: [] };
  const truth = evaluateNoisy(roots, leaves.around, undefined);
  const names = [...plain.outputs.map((o) => o.name), ...plain.commits.map((c) => c.path)];
  const counts = { elements: 0, left: 0 };
  const ran: string[] = [];
  // Variants that differ below the graph share what is rewritten, and how far rounding may move it.
  const rewritten = new Map<string, { readonly lowered: Graph; readonly exact: readonly Tensor64[]; readonly allowed: readonly Float64Array[] }>();
  for (const variant of ways) {
    const key = rules.filter((r) => variant.off.has(r)).join();
    const known = rewritten.get(key);
    const lowered = known?.lowered ?? compile(graph, variant.off);
    const where = (what: string, problem: string): Error => new Error(`${variant.label}, N = ${recipe.live} of ${recipe.capacity}: ${what}: ${problem}\n${JSON.stringify({ recipe, choice })}\n${printGraph(lowered)}`);
    const { exact, allowed } = known ?? { exact: evaluateNoisy(rootsOf(lowered), leaves.around, undefined), allowed: allowances(lowered, leaves.around, truth, machine.room) };
    rewritten.set(key, { lowered, exact, allowed });
    if (!known)
      truth.forEach((t, k) => {
        const problem = difference(exact[k]?.data, t, allowed[k] as Float64Array, { elements: 0, left: 0 });
        if (problem) throw where(`${names[k]} after rewriting`, problem);
      });
    const [first, second] = await machine.run(lowered, variant, { N: recipe.capacity }, leaves.call).catch((error: unknown): [] => {
      // Without fusion or reuse of memory a graph may be too large for a device of the baseline.
      if (error instanceof UserError && error.diagnostic.code === "E0602") return [];
      throw where("running", error instanceof Error ? (error.stack ?? error.message) : String(error));
    });
    if (!first || !second) continue;
    const again = evaluateNoisy(rootsOf(lowered), after(leaves.around, first), undefined);
    const allowedAgain = allowances(lowered, after(leaves.around, first), again, machine.room);
    for (const [k, name] of names.entries()) {
      const given = leaves.call.inputs[name];
      const once = difference(first[name] ?? given, truth[k] as Tensor64, allowed[k] as Float64Array, counts);
      if (once) throw where(name, `${once}\n  ${await machine.suspect(lowered, variant, { N: recipe.capacity }, leaves)}`);
      const twice = difference(second[name] ?? given, again[k] as Tensor64, allowedAgain[k] as Float64Array, counts);
      if (twice) throw where(`${name} in the second step`, twice);
    }
    ran.push(variant.label);
  }
  return { kind: "agrees", ...counts, ran };
}

/** What is said of a case compared kernel by kernel, in its first variant; undefined where its values are too large. */
export async function bisectCase(machine: Machine, recipe: Recipe, choice: number): Promise<string | undefined> {
  const graph = fuzzGraph(recipe);
  const leaves = moderate(differentiate.run(graph), recipe);
  const [variant] = variants(choice, machine.inStep);
  return leaves && variant && machine.suspect(compile(graph, variant.off), variant, { N: recipe.capacity }, leaves);
}

/** As the compiler does it, each stage verified. */
function compile(graph: Graph, off: Variant["off"]): Graph {
  const passes = [normaliseBy({ off }), differentiate, simplifyBy({ off })];
  return passes.reduce((g, pass) => {
    const made = pass.run(g);
    pass.verify?.(made);
    return made;
  }, graph);
}

/** The surroundings of a further step: what is stored is what the device now holds. */
function after(around: Surroundings, stored: Readonly<Record<string, Values>>): Surroundings {
  return { ...around, stored: (path) => ({ shape: around.stored(path).shape, data: Float64Array.from(stored[path] ?? around.stored(path).data) }) };
}

/** Per root and element: how far rounding may move it; not a number where it decides. */
export function allowances(graph: Graph, around: Surroundings, truth: readonly Tensor64[], within: Room = ofF32): readonly Float64Array[] {
  const roots = rootsOf(graph);
  const spread = truth.map((t) => new Float64Array(t.data.length));
  for (let seed = 1; seed <= within.rounds; seed++) {
    evaluateNoisy(roots, around, noise(seed)).forEach((t, k) => {
      const [wide, exact] = [spread[k] as Float64Array, truth[k] as Tensor64];
      t.data.forEach((v, i) => {
        const by = Math.abs(v - (exact.data[i] ?? 0));
        wide[i] = by >= 0 ? Math.max(wide[i] ?? 0, by) : Number.POSITIVE_INFINITY;
      });
    });
  }
  return spread.map((wide, k) => {
    const real = roots[k]?.type.dtype === "f32";
    return wide.map((moved, i) => {
      const unit = Math.max(1, Math.abs(truth[k]?.data[i] ?? 0));
      if (!real) return moved === 0 ? 0 : Number.NaN;
      return roomFor(ofF32, unit, moved) <= undecided * unit ? roomFor(within, unit, moved) : Number.NaN;
    });
  });
}

function roomFor({ floor, spread }: Room, unit: number, moved: number): number {
  return floor * unit + spread * moved;
}

function difference(found: ArrayLike<number> | undefined, truth: Tensor64, allowed: Float64Array, counts: { elements: number; left: number }): string | undefined {
  if (!found || found.length !== truth.data.length) return `has ${found?.length ?? "no"} numbers where ${truth.data.length} are expected`;
  for (let i = 0; i < truth.data.length; i++) {
    const room = allowed[i] ?? 0;
    if (Number.isNaN(room)) {
      counts.left++;
      continue;
    }
    counts.elements++;
    const [f, t] = [found[i] ?? Number.NaN, truth.data[i] ?? Number.NaN];
    if (!(Math.abs(f - t) <= room)) {
      const show = (from: ArrayLike<number>): string => Array.from({ length: Math.min(8, from.length - i) }, (_, k) => Number(from[i + k]).toPrecision(7)).join(" ");
      return `element ${i} of [${truth.shape.join(", ")}] is ${f}, expected ${t}, within ${room.toExponential(1)}\n  found    ${show(found)}\n  expected ${show(truth.data)}`;
    }
  }
  return undefined;
}
