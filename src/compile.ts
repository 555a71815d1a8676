/**
 * The whole compiler on one page: the only file that knows all stages.
 *
 *     parse → check → build → normalise → differentiate → simplify → schedule → bind → plan → emit → assemble
 * `compile` runs the stages that can meet a user error and returns diagnostics or programs, one per train block (or
 * per model without one). A program makes the graph of each entry, and the device code of an entry for given sizes.
 */
import { bind } from "../kernels/bind.ts";
import { costFor } from "../kernels/predict.ts";
import { verifyKernels } from "../kernels/verify-kernel.ts";
import { check, type CheckOptions } from "./check/check.ts";
import { type CheckedModel, type CheckedProgram, type CheckedTrain, trainedModels, type UsedFile } from "./check/checked.ts";
import { differentiateBy } from "./grad/differentiate.ts";
import { build, entryNames, isStep, type EntryName, type EntryRequest } from "./graph/build.ts";
import { Builder } from "./graph/builder.ts";
import { splitByExample, type SplitGraph } from "./graph/split-by-example.ts";
import type { TextContext } from "./graph/places-of.ts";
import { verifyGraph } from "./graph/verify-graph.ts";
import { assembleEntry, assembleProgram, kernelTexts } from "./harness/assemble.ts";
import type { LoweredEntry, Target } from "./harness/lowered-entry.ts";
import type { Program } from "./harness/runtime/program.ts";
import type { TrainPlan } from "./harness/runtime/train-plan.ts";
import type { Kernel, Schedule } from "./ir/kernel.ts";
import type { Graph } from "./ir/node.ts";
import type { Plan, StoreLayout } from "./memory/placement.ts";
import { storedIn } from "./memory/lay-out-store.ts";
import { baseline, placedBytes, plan } from "./memory/plan.ts";
import { recompute } from "./memory/recompute.ts";
import { verifyPlan } from "./memory/verify-plan.ts";
import { schedule } from "./schedule/schedule.ts";
import { verifySchedule } from "./schedule/verify-schedule.ts";
import { table } from "./ops/table.ts";
import { wholeTooLarge } from "./report/whole-too-large.ts";
import { ledgersOf, type PassLedger } from "./simplify/ledgers.ts";
import { lintBy } from "./simplify/lint.ts";
import { normaliseBy } from "./simplify/normalise.ts";
import { simplifyBy } from "./simplify/simplify.ts";
import { isLibrarySource } from "./std/library.ts";
import { withoutAllowed } from "./support/allowances.ts";
import { type Diagnostic, Diagnostics, invariant, UserError } from "./support/diagnostic.ts";
import type { Source, Span } from "./support/span.ts";
import { type Pass, runPass, silent, type Trace } from "./support/trace.ts";
import { parse } from "./syntax/parse.ts";

/** What a compilation may be told: settings and used files, and how to go about it. */
export interface CompileOptions extends Omit<CheckOptions, "library"> {
  readonly trace?: Trace;
  /** Optimisations to leave out, by name; none changes what a program means. */
  readonly off?: ReadonlySet<string>;
}

/** An entry that stores nothing, in two: `part` runs over some examples at a time, `whole` once over what the parts gave. */
export type SplitEntry = `${"evaluate" | "predict" | "gradients" | "export"}.${"part" | "whole"}`;

/** What came of it. */
export interface Compilation {
  readonly diagnostics: readonly Diagnostic[];
  /** One per train block, then one per model that no block trains; empty when there are errors. */
  readonly programs: readonly CompiledProgram[];
}

/** Compiles a source, up to the graphs of every entry. Never throws on a user's error. */
export function compile(source: Source, options: CompileOptions = {}): Compilation {
  const diagnostics = new Diagnostics();
  const programs: CompiledProgram[] = [];
  try {
    const file = parse(source, diagnostics);
    const checked = check(file, options, diagnostics);
    if (checked && !diagnostics.hasErrors) {
      for (const [model, train] of trainedModels(checked)) programs.push(new CompiledProgram(checked, model, train, options));
      for (const program of programs) for (const entry of program.entries) program.graph(entry);
      for (const warning of programs.flatMap((p) => p.warnings)) diagnostics.add(warning);
      diagnostics.inTextOrder([source, ...checked.uses.map((u) => u.source)]);
    }
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    diagnostics.add(error.diagnostic);
  }
  return { diagnostics: withoutAllowed(diagnostics.list, source), programs: diagnostics.hasErrors ? [] : programs };
}

/** One model with its train block, compiled. Graphs and device code are made on first use and kept. */
export class CompiledProgram {
  readonly model: CheckedModel;
  readonly train: CheckedTrain | undefined;
  readonly trainPlan: TrainPlan | undefined;
  /** The files that the program's own file uses. */
  readonly uses: readonly UsedFile[];
  /** The program but for its entries. */
  readonly info: Omit<Program, "kernels" | "entries">;
  /** What its graphs hold that is probably not meant. */
  readonly warnings: Diagnostic[] = [];
  private readonly checked: CheckedProgram;
  private readonly store: StoreLayout;
  private readonly graphs = new Map<EntryName, Graph>();
  private readonly splits = new Map<EntryName, SplitGraph>();
  /** One for all entries, so that what they share is made, rewritten and differentiated once. */
  private readonly builder = new Builder();
  private readonly passes: readonly Pass<Graph, Graph>[];
  private readonly trace: Trace;
  private readonly off: ReadonlySet<string>;

  constructor(checked: CheckedProgram, model: CheckedModel, train: CheckedTrain | undefined, options: CompileOptions) {
    this.checked = checked;
    this.uses = checked.uses;
    this.model = model;
    this.train = train;
    this.trace = options.trace ?? silent;
    this.off = options.off ?? new Set();
    const { off } = this;
    this.passes = [normaliseBy({ off }), lintBy(this.text, this.warnings), differentiateBy(table), simplifyBy({ off })];
    ({ info: this.info, store: this.store, trainPlan: this.trainPlan } = assembleProgram(model, train));
  }

  /** Which texts are the library's, and who called it. */
  get text(): TextContext {
    return { isLibrary: isLibrarySource, calls: this.checked.libraryCalls ?? [] };
  }

  get entries(): readonly EntryName[] {
    return entryNames(this.model, this.train);
  }

  /** The simplified graph of an entry: its meaning. */
  graph(entry: EntryName | SplitEntry): Graph {
    const split = splitOf(entry);
    if (split) return this.split(split.entry)[split.half];
    const known = this.graphs.get(entry as EntryName);
    if (known) return known;
    return this.makeGraph(entry as EntryName);
  }

  private makeGraph(entry: EntryName): Graph {
    const run = <In, Out>(pass: Pass<In, Out>, input: In): Out => runPass(pass, input, this.trace, entry);
    const built = run({ name: "build", doc: "Makes the graph of one entry.", run: (c: CheckedProgram) => build(c, this.requestFor(entry), this.builder), verify: verifyGraph }, this.checked);
    const graph = this.passes.reduce((g, pass) => run(pass, g), built);
    this.graphs.set(entry, graph);
    return graph;
  }

  /** An entry that stores nothing, in two: what is made example by example, and what is made of all examples. */
  private split(entry: EntryName): SplitGraph {
    const known = this.splits.get(entry);
    if (known) return known;
    const { batch } = this.info;
    invariant(batch !== undefined, "compile", `${entry} has no examples to split`);
    const pass = { name: "split", doc: "Takes what is made example by example from what is made of all examples.", run: (g: Graph) => splitByExample(g, batch), verify: (s: SplitGraph) => [s.part, s.whole].forEach((g) => verifyGraph(g)) };
    const split = runPass(pass, this.graph(entry), this.trace, entry);
    this.splits.set(entry, split);
    return split;
  }

  /** Which rules made the graph of an entry what it is. */
  ledgers(entry: EntryName): readonly PassLedger[] {
    return ledgersOf(this.checked, this.requestFor(entry), this.off);
  }

  private requestFor(entry: EntryName): EntryRequest {
    return { entry, model: this.model.name, ...(this.train && { train: this.train.name }) };
  }

  /** The device code of an entry, or of a graph that reads what an entry may read. Throws a UserError when something does not fit the device. */
  lower(of: EntryName | SplitEntry | Graph, target: Target): LoweredEntry {
    const { capacity, profile, limits = baseline, keep, choices, memory: budget } = target;
    const graph = typeof of === "string" ? this.graph(of) : of;
    const { entry } = graph;
    const spanOf = (path: string): Span | undefined => this.model.params.find((p) => p.path === path)?.span;
    const run = <In, Out>(pass: Pass<In, Out>, input: In): Out => runPass(pass, input, this.trace, entry);
    const reuse = !this.off.has("reuse");
    const place = (k: readonly Kernel[]): Plan => {
      try {
        return plan(entry, k, { store: this.store, limits, reuse, spanOf });
      } catch (error) {
        const split = splitOf(entry);
        throw split?.half === "whole" && error instanceof UserError ? wholeTooLarge(this.split(split.entry), capacity, this.text, error) : error;
      }
    };
    const stored = storedIn(this.store, limits.bindingBytes);
    const nests = run({ name: "schedule", doc: "Groups nodes into nests.", run: (g: Graph) => schedule(g, { capacity, profile, stored, off: this.off, ...(keep && { keep }) }), verify: verifySchedule }, graph);
    const bound = run({ name: "bind", doc: "Binds nests to kernels.", run: (s: Schedule) => bind(s, profile, { off: this.off, ...(choices && { choices }) }), verify: (k) => verifyKernels(k, profile) }, nests);
    // Only training keeps values of one pass for another.
    const fits = budget === undefined || !(isStep(entry) || entry === "gradients");
    const fit = (k: readonly Kernel[]): readonly Kernel[] => recompute(k, { entry, budget: budget ?? Number.POSITIVE_INFINITY, cost: costFor(capacity, profile), placed: (of) => placedBytes(of, reuse) });
    const kernels = fits ? bound : run({ name: "recompute", doc: "Makes values anew that do not fit into memory.", run: fit, verify: (k) => verifyKernels(k, profile) }, bound);
    const memory = run({ name: "plan", doc: "Places buffers.", run: place, verify: verifyPlan }, kernels);
    const texts = run({ name: "emit", doc: "Prints kernels as WGSL.", run: (p: Plan) => kernelTexts(p.kernels) }, memory);
    return { schedule: nests, kernels, memory, ...assembleEntry({ schedule: nests, plan: memory, capacity, texts }) };
  }
}

/** Which half of which entry a name stands for. */
function splitOf(name: string): { readonly entry: EntryName; readonly half: "part" | "whole" } | undefined {
  const [, entry, half] = /^(evaluate|predict|gradients|export)\.(part|whole)$/.exec(name) ?? [];
  return entry === undefined ? undefined : { entry: entry as EntryName, half: half as "part" | "whole" };
}
