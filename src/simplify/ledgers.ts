/**
 * Which rules made the graph of an entry what it is. In: a checked program and one of its entries. Out: for the rewriting before and
 * after differentiation, the graph that came in and the ledger. The entry is made anew in a builder of its own, so
 * that nothing of other entries is told.
 *
 *     ledgersOf(program, { entry: "gradients", model: "M" }, new Set())[0]?.ledger.hits
 */
import type { CheckedProgram } from "../check/checked.ts";
import { build, type EntryRequest } from "../graph/build.ts";
import { Builder } from "../graph/builder.ts";
import { differentiate } from "../grad/differentiate.ts";
import type { Graph } from "../ir/node.ts";
import { rewriting } from "./rewrite-graph.ts";
import type { Ledger } from "./rewrite.ts";

/** What one pass did. */
export interface PassLedger {
  readonly pass: string;
  readonly before: Graph;
  readonly ledger: Ledger;
}

/** The ledgers of normalise and simplify, `off` being the rules left out. */
export function ledgersOf(program: CheckedProgram, request: EntryRequest, off: ReadonlySet<string>): readonly PassLedger[] {
  const built = build(program, request, new Builder());
  const normal = rewriting({ off, phase: "always" })(built);
  const differentiated = differentiate.run(normal.graph);
  const { ledger } = rewriting({ off, phase: "differentiated" })(differentiated);
  return [{ pass: "normalise", before: built, ledger: normal.ledger }, { pass: "simplify", before: differentiated, ledger }];
}
