/**
 * The ways one graph is compiled: with every optimisation, with none, with one of them left out; for both device classes.
 * An optimisation is a name: a rewrite rule, a fusion of the schedule, a choice of binding, the reuse of memory.
 */
import { profiles } from "../../kernels/profiles.ts";
import type { Profile } from "../../src/ir/kernel.ts";
import { scheduleSwitches } from "../../src/schedule/schedule.ts";
import { table } from "../../src/simplify/table.ts";

/** Everything that may be left out below the graph. */
export const lowerSwitches: readonly string[] = [...scheduleSwitches, "tile", "horizontal", "reuse"];

/** The rewrite rules. */
export const rules: readonly string[] = table.map((r) => r.name);

export interface Variant {
  readonly label: string;
  readonly profile: Profile;
  readonly off: ReadonlySet<string>;
}

/** All on for both classes, all off, and one left out; `choice` picks which, half of the time from below the graph. */
export function variants(choice: number): readonly Variant[] {
  const other = choice % 2 === 0 ? profiles.software : profiles.gpu;
  const from = choice % 4 < 2 ? lowerSwitches : rules;
  const one = from[Math.floor(choice / 4) % from.length] ?? "reuse";
  return [
    { label: "all on, software", profile: profiles.software, off: new Set<string>() },
    { label: "all on, gpu", profile: profiles.gpu, off: new Set<string>() },
    { label: `all off, ${other.name}`, profile: other, off: new Set([...lowerSwitches, ...rules]) },
    { label: `without ${one}, ${other.name}`, profile: other, off: new Set([one]) },
    { label: "only rewriting", profile: profiles.gpu, off: new Set(lowerSwitches) },
  ].filter((_, k) => k !== (choice % 8 < 4 ? 4 : 2));
}
