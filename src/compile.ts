/**
 * The compiler on one page: the stages from a text to the graphs of its entries; lower.ts has those from there to device code.
 *
 *     parse → check → build → normalise → differentiate → simplify   (lower.ts:)   schedule → bind → plan → emit → assemble
 *
 * `compile` runs the stages that can meet a user error and returns diagnostics or programs, one per train block (or
 * per model without one). A program makes the graph of each entry, and the device code of an entry for given sizes.
 */
import { check, type CheckOptions } from "./check/check.ts";
import { type CheckedModel, type CheckedProgram, type CheckedTrain, trainedModels, type UsedFile } from "./check/checked.ts";
import { differentiateBy } from "./grad/differentiate.ts";
import { build, entryNames, type EntryName, type EntryRequest } from "./graph/build.ts";
import { Readings } from "./graph/build-readings.ts";
import { Builder } from "./graph/builder.ts";
import { earlyPart, type JoinedGraph } from "./graph/early-part.ts";
import { splitBy, type SplitEntry, type SplitGraph, splitOf } from "./graph/split-by-example.ts";
import type { TextContext } from "./graph/places-of.ts";
import { verifyGraph } from "./graph/verify-graph.ts";
import { assembleProgram } from "./harness/assemble.ts";
import type { LoweredEntry, Target } from "./harness/lowered-entry.ts";
import type { Program } from "./harness/runtime/program.ts";
import type { TrainPlan } from "./harness/runtime/train-plan.ts";
import type { Graph } from "./ir/node.ts";
import type { StoreLayout } from "./memory/placement.ts";
import { table } from "./ops/table.ts";
import { wholeTooLarge } from "./report/whole-too-large.ts";
import { ledgersOf, type PassLedger } from "./simplify/ledgers.ts";
import { lintBy } from "./simplify/lint.ts";
import { normaliseBy } from "./simplify/normalise.ts";
import { simplifyBy } from "./simplify/simplify.ts";
import { isLibrarySource } from "./std/library.ts";
import { withoutAllowed } from "./support/allowances.ts";
import { type Diagnostic, Diagnostics, invariant, UserError } from "./support/diagnostic.ts";
import type { Source } from "./support/span.ts";
import { type Pass, runPass, silent, type Trace } from "./support/trace.ts";
import { parse } from "./syntax/parse.ts";
import { lower } from "./lower.ts";

/** What a compilation may be told: settings and used files, and how to go about it. */
export interface CompileOptions extends Omit<CheckOptions, "library"> {
  readonly trace?: Trace;
  /** Optimisations to leave out, by name; none changes what a program means. */
  readonly off?: ReadonlySet<string>;
}

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
  private readonly readings = new Readings();
  /** Over what has to be ready before derivatives are taken; and then over all. */
  private readonly passes: readonly Pass<Graph, Graph>[];
  private readonly simplify: Pass<JoinedGraph, Graph>;
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
    this.passes = [normaliseBy({ off }), lintBy(this.text, this.warnings), differentiateBy(table)];
    this.simplify = simplifyBy({ off });
    ({ info: this.info, store: this.store, trainPlan: this.trainPlan } = assembleProgram(model, train));
  }

  /** Which texts are the library's, and who called it. */
  get text(): TextContext {
    return { isLibrary: isLibrarySource, calls: this.checked.libraryCalls ?? [] };
  }

  get entries(): readonly EntryName[] {
    return entryNames(this.model, this.train);
  }

  /** The simplified graph of an entry, or of half of one: its meaning. */
  graph(entry: EntryName | SplitEntry): Graph {
    const split = splitOf(entry);
    if (split) return this.split(split.entry)[split.half];
    const known = this.graphs.get(entry as EntryName);
    if (known) return known;
    const built: Pass<CheckedProgram, Graph> = { name: "build", doc: "Makes the graph of one entry.", run: (c) => build(c, this.requestFor(entry as EntryName), this.builder, this.readings), verify: verifyGraph };
    const { graph: early, join } = earlyPart(runPass(built, this.checked, this.trace, entry));
    const graph = runPass(this.simplify, join(this.passes.reduce((g, pass) => runPass(pass, g, this.trace, entry), early)), this.trace, entry);
    this.graphs.set(entry as EntryName, graph);
    return graph;
  }

  /** An entry that stores nothing, in two: what is made example by example, and what is made of all examples. */
  private split(entry: EntryName): SplitGraph {
    invariant(this.info.batch !== undefined, "compile", `${entry} has no examples to split`);
    const split = this.splits.get(entry) ?? runPass(splitBy(this.info.batch), this.graph(entry), this.trace, entry);
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
    const graph = typeof of === "string" ? this.graph(of) : of;
    const split = splitOf(graph.entry);
    const better = split?.half === "whole" && { tooLarge: (error: UserError) => wholeTooLarge(this.split(split.entry), target.capacity, this.text, error) };
    return lower(graph, target, { model: this.model, store: this.store, off: this.off, trace: this.trace, ...better });
  }
}
