/**
 * The scalars of a run that follow from how far training is: `t` and `epoch`, and how many updates each step has made, by
 * which an evaluation knows whether an optimizer's output means something yet.
 *
 *     countedScalars({ t: 3, epoch: 1, entries: ["step"], counts: new Map([["step", 3]]) })   // { t: 3, epoch: 1, "updates/step": 3 }
 */

/** What is known of the course of training. */
export interface Counted {
  readonly t: number;
  readonly epoch: number;
  /** The steps of the program. */
  readonly entries: readonly string[];
  /** Updates by entry since its optimizer began. */
  readonly counts: ReadonlyMap<string, number>;
}

/** By name. */
export function countedScalars({ t, epoch, entries, counts }: Counted): Readonly<Record<string, number>> {
  return { t, epoch, ...Object.fromEntries(entries.map((entry) => [`updates/${entry}`, counts.get(entry) ?? 0])) };
}
