/**
 * How expressions are read, and what they became: in training or outside of it. In: what an entry will lower. Out: a reading, which entries share
 * where nothing in them depends on the entry, so that a loss is lowered once for the step that minimises it, its evaluation and its gradients.
 *
 *     readings.of(true, [loss])  ===  readings.of(false, [loss, accuracy])        // unless `training` is asked for in one of them
 *
 * An entry has a reading of its own where derivatives are taken, since what they are taken by has another identity in each.
 */
import type { Core } from "../check/core.ts";
import type { Span } from "../support/span.ts";
import { Structure } from "./build-children.ts";
import { Variables } from "./build-values.ts";
import type { Value } from "./build-values.ts";

/** One way to read expressions, in one builder. */
export class Reading {
  readonly structure: Structure;
  /** What derivatives are taken by. */
  readonly wrts: ReadonlySet<Core>;
  readonly shared: boolean;
  readonly variables = new Variables();
  /** What expressions became, outside of loops and with nothing replaced. */
  readonly values = new Map<Core, Value>();
  /** Draws by their hash. */
  readonly streams = new Map<number, { readonly path: string; readonly span: Span }>();

  constructor(training: boolean, roots?: readonly Core[]) {
    this.structure = new Structure(training);
    this.shared = roots === undefined;
    this.wrts = this.structure.wrts(roots ?? []);
  }
}

/** The readings of one program in one builder. */
export class Readings {
  private readonly shared = new Map<boolean | "either", Reading>();
  /** Expressions that mean the same whoever reads them. */
  private readonly plain = new Set<Core>();

  /** How an entry reads what it is made of. */
  of(training: boolean, roots: readonly Core[]): Reading {
    const met = new Structure(training).walk(roots, (core) => !this.plain.has(core));
    if (met.some(isForm)) return new Reading(training, roots);
    const chooses = met.some((core) => core.kind === "training");
    if (!chooses) for (const core of met) this.plain.add(core);
    const kind = chooses ? training : "either";
    const reading = this.shared.get(kind) ?? new Reading(training);
    this.shared.set(kind, reading);
    return reading;
  }
}

/** What is lowered again with something else in a place of its own. */
function isForm({ kind }: Core): boolean {
  return kind === "derive" || kind === "replace" || kind === "custom";
}
