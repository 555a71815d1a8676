/**
 * Runs what a failed run computed once more, with every value in between looked at, and names who made the first number that is
 * not finite. A failed step stores nothing, so the values that it began with are still there.
 *
 *     const diagnostic = await blameRun(graph, { program, held, call, device, text, declared, what: "not a finite number at update 3" });
 */
import { evaluateAll } from "../graph/eval-graph.ts";
import { rootsOf } from "../graph/walk.ts";
import type { Call, Snapshot } from "../harness/runtime/engine.ts";
import type { Program } from "../harness/runtime/program.ts";
import { surroundingsOf } from "../harness/surroundings.ts";
import type { Graph } from "../ir/node.ts";
import { prepare } from "../schedule/prepare.ts";
import { type Diagnostic, UserError } from "../support/diagnostic.ts";
import { blame, watchedIn, type BlameOptions } from "./blame.ts";
import { deviceValues, type Following } from "./device-values.ts";

/** The run to repeat, and how to speak of it. */
export interface BlameRun extends Pick<BlameOptions, "text" | "declared" | "what"> {
  readonly program: Pick<Program, "store" | "inputs">;
  readonly held: Snapshot;
  readonly call: Call;
  /** A device, where it ran on one; else the evaluator repeats it. */
  readonly device?: Pick<Following, "device" | "lower">;
}

/** What is to blame; undefined where everything is finite this time. `graph` is a step's. */
export async function blameRun(graph: Graph, run: BlameRun): Promise<Diagnostic | undefined> {
  const watched = new Set(watchedIn(graph));
  const outputs = [...watched].map((node, k) => ({ name: `watched ${k}`, kind: "value" as const, node }));
  const again = unrolled({ entry: `${graph.entry} again`, outputs, commits: [], origins: graph.origins }, run.call.live);
  const values = await valuesOf(again, run);
  return blame({ ...run, graph: again, values, watched: rootsOf(again) })?.diagnostic;
}

/** Turns of loops as nodes of their own; as it is where they are too many. */
function unrolled(graph: Graph, live: Call["live"]): Graph {
  try {
    return prepare(graph, live).graph;
  } catch (error) {
    if (error instanceof UserError) return graph;
    throw error;
  }
}

async function valuesOf(graph: Graph, { program, held, call, device }: BlameRun): ReturnType<typeof deviceValues> {
  const exact = (): Awaited<ReturnType<typeof deviceValues>> => evaluateAll(rootsOf(graph), surroundingsOf(program, (path) => held.get(path), call));
  if (!device) return exact();
  try {
    return await deviceValues(graph, { ...device, program, held, call });
  } catch (error) {
    // With everything kept it may not fit; most faults are faults in f64 too.
    if (error instanceof UserError) return exact();
    throw error;
  }
}
