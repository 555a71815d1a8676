/**
 * The stages below the graph on one page: device code of one graph for given sizes and a class of devices.
 *
 *     schedule → halve → bind → recompute → stages → plan → emit → assemble
 *
 * Comes in: a simplified graph, a target, what is the same for all entries of a program. Goes out: schedule, kernels, memory, texts
 * and the plan that the runtime follows. Each pass is verified, timed and dumped through the trace.
 */
import { bind } from "../kernels/bind.ts";
import { costFor } from "../kernels/predict.ts";
import { stages } from "../kernels/stages.ts";
import { verifyKernels } from "../kernels/verify-kernel.ts";
import type { CheckedModel } from "./check/checked.ts";
import { isStep } from "./graph/build.ts";
import { assembleEntry, kernelTexts } from "./harness/assemble.ts";
import type { LoweredEntry, Target } from "./harness/lowered-entry.ts";
import type { Kernel, Schedule } from "./ir/kernel.ts";
import type { Graph } from "./ir/node.ts";
import { storedIn } from "./memory/lay-out-store.ts";
import type { Plan, StoreLayout } from "./memory/placement.ts";
import { baseline, placedBytes, plan } from "./memory/plan.ts";
import { OverBudget, recompute } from "./memory/recompute.ts";
import { verifyPlan } from "./memory/verify-plan.ts";
import { wholeWhereCrowded } from "./memory/whole-where-crowded.ts";
import { inHalves } from "./schedule/in-halves.ts";
import { schedule } from "./schedule/schedule.ts";
import { verifySchedule } from "./schedule/verify-schedule.ts";
import { UserError } from "./support/diagnostic.ts";
import type { Span } from "./support/span.ts";
import { runPass, type Trace } from "./support/trace.ts";

/** What is the same for all entries of a program. */
export interface Lowering {
  readonly model: CheckedModel;
  readonly store: StoreLayout;
  /** Optimisations to leave out. */
  readonly off: ReadonlySet<string>;
  readonly trace: Trace;
  /** Says it better than the plan where the graph does not fit the device. */
  readonly tooLarge?: (error: UserError) => UserError;
}

/** The device code of a graph. Throws a UserError when something does not fit the device. */
export function lower(graph: Graph, target: Target, { model, store, off, trace, tooLarge = (error) => error }: Lowering): LoweredEntry {
  const { capacity, profile, limits = baseline, keep, choices, memory: budget, half = false } = target;
  const { entry } = graph;
  const spanOf = (path: string): Span | undefined => model.params.find((p) => p.path === path)?.span;
  const run = <In, Out>(name: string, doc: string, input: In, pass: (input: In) => Out, verify?: (output: Out) => void): Out =>
    runPass({ name, doc, run: pass, ...(verify && { verify }) }, input, trace, entry);
  const how = { reuse: !off.has("reuse"), inPlace: !off.has("in-place"), apart: !off.has("apart") };
  const place = (k: readonly Kernel[]): Plan => {
    try {
      return plan(entry, k, { store, limits, ...how, spanOf });
    } catch (error) {
      throw error instanceof UserError ? tooLarge(error) : error;
    }
  };
  const stored = storedIn(store, limits.bindingBytes);
  // Only training keeps values of one pass for another.
  const trains = isStep(entry) || entry === "gradients";
  const bounded = budget !== undefined && trains ? budget : undefined;
  const fit = (k: readonly Kernel[]): readonly Kernel[] => recompute(k, { entry, budget: bounded ?? Number.POSITIVE_INFINITY, cost: costFor(capacity, profile), placed: (of) => placedBytes(of, how) });
  const made = (without: ReadonlySet<string>): { readonly nests: Schedule; readonly fitted: readonly Kernel[] } => {
    const grouped = run("schedule", "Groups nodes into nests.", graph, (g) => schedule(g, { capacity, profile, stored, off: without, ...(keep && { keep }) }), verifySchedule);
    const nests = half && trains && !keep ? run("halve", "Keeps what the forward pass leaves for the gradient in 16 bits a number.", grouped, (s) => inHalves(s, graph), verifySchedule) : grouped;
    const kernels = (s: Schedule): readonly Kernel[] => wholeWhereCrowded(bind(s, profile, { off, keep: keep !== undefined, ...(choices && { choices }) }), limits);
    const bound = run("bind", "Binds nests to kernels.", nests, kernels, (k) => verifyKernels(k, profile));
    return { nests, fitted: bounded === undefined ? bound : run("recompute", "Makes values anew that do not fit into memory.", bound, fit, (k) => verifyKernels(k, profile)) };
  };
  const { nests, fitted } = orElse(() => made(off), bounded !== undefined && !off.has("concat") && (() => made(new Set([...off, "concat"]))));
  // What shares a dispatch shares its time in memory, too.
  const joined = (k: readonly Kernel[]): readonly Kernel[] => {
    const made = stages(k, { live: capacity, profile });
    return bounded === undefined || placedBytes(made, how) <= bounded ? made : k;
  };
  // Who wants to see values between kernels wants kernels by themselves; initial values are made once, and one long text takes longer to build than the dispatches that it saves.
  const whole = off.has("stages") || keep !== undefined || entry === "init";
  const kernels = whole ? fitted : run("stages", "Joins small kernels that depend on each other.", fitted, joined, (k) => verifyKernels(k, profile));
  const memory = run("plan", "Places buffers.", kernels, place, verifyPlan);
  const texts = run("emit", "Prints kernels as WGSL.", memory, (p: Plan) => kernelTexts(p.kernels));
  return { schedule: nests, kernels, memory, ...assembleEntry({ schedule: nests, plan: memory, capacity, texts }) };
}

/** What lies side by side lives as long as all of it and is not made anew: a budget that is not met with it may be met without it. */
function orElse<T>(make: () => T, other: false | (() => T)): T {
  try {
    return make();
  } catch (error) {
    if (!other || !(error instanceof OverBudget)) throw error;
    try {
      return other();
    } catch (second) {
      throw second instanceof OverBudget && second.least > error.least ? error : second;
    }
  }
}
