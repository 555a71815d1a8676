/**
 * The ways one graph is compiled: with every optimisation, with none, with one of them left out; for both device classes.
 * An optimisation is a name: a rewrite rule, a fusion of the schedule, a choice of binding, the reuse of memory.
 */
import type { Block } from "../../kernels/choose-block.ts";
import type { Tile } from "../../kernels/tile-time.ts";
import { profiles } from "../../kernels/profiles.ts";
import type { Profile } from "../../src/ir/kernel.ts";
import { scheduleSwitches } from "../../src/schedule/schedule.ts";
import { table } from "../../src/simplify/table.ts";

/** Everything that may be left out below the graph. */
export const lowerSwitches: readonly string[] = [...scheduleSwitches, "tile", "blocks", "ahead", "columns", "neighbours", "flat", "attention", "masked-product", "several", "vector", "bounds", "joint", "one-pass", "triangles", "horizontal", "stages", "alike", "reuse", "in-place", "apart"];

/** What may be left out of rewriting. */
export const rules: readonly string[] = [...table.map((r) => r.name), "contraction-order"];

/** Four neighbours in one access, and several points an invocation, however few there are: random graphs are small. */
const vector = { accesses: 0, invocations: 1 } as const;
const several = 1;
/** Folds down columns shared by workgroups, however short. */
const columns = { fold: 2, turns: 1 } as const;


/** Every kernel in a dispatch of its own, or with what does not depend on it. */
const apart: ReadonlySet<string> = new Set(["stages"]);

export interface Variant {
  readonly label: string;
  readonly profile: Profile;
  readonly off: ReadonlySet<string>;
  /** Rows and columns of every tile, instead of those that the cost model chooses for such small products. */
  readonly tile?: readonly [rows: number, columns: number, finish: Tile["finish"]];
  /** Every product in such blocks of workgroup memory instead. */
  readonly block?: Block;
  /** The part of what lies between kernels that a byte budget leaves, where so much can be made anew; else as little as can be. */
  readonly budget?: number;
  /** What a dispatch costs, in seconds, where stages are chosen. */
  readonly dispatch?: number;
}

/** Smaller than those that are chosen, so that random sizes fill several. */
const block: Block = { rows: 16, columns: 16, turns: 8, tile: [4, 4], unroll: 2, finish: "written" };

/**
 * All on for both classes, all off (or all but rewriting), one left out, and tiles of some size; `choice` picks which, half of the time from below
 * the graph. `subgroup` is how many invocations run in step, where they are as many everywhere.
 */
export function variants(choice: number, subgroup: number | undefined): readonly Variant[] {
  const inStep: Profile = { ...profiles.software, vector, several, ...(subgroup && { subgroup }) };
  // Attention is one kernel however few keys there are.
  const joined: Profile = { ...profiles.gpu, vector, columns, attention: 1, ...(subgroup && { subgroup }) };
  const other = choice % 2 === 0 ? profiles.software : profiles.gpu;
  const from = choice % 4 < 2 ? lowerSwitches : rules;
  const one = from[Math.floor(choice / 4) % from.length] ?? "reuse";
  const inFours: Profile = { ...other, vector, several, ...(other.attention && { attention: 1, columns }) };
  const side = (by: number): number => [2, 8, 1, 4][Math.floor(choice / by) % 4] ?? 2;
  const all: readonly Variant[] = [
    { label: "all on, software", profile: profiles.software, off: new Set<string>() },
    { label: "all on, gpu", profile: profiles.gpu, off: new Set<string>() },
    { label: `all off, ${other.name}`, profile: other, off: new Set([...lowerSwitches, ...rules]) },
    { label: `without ${one}, ${other.name}`, profile: inFours, off: new Set([one]) },
    { label: `tiles of ${side(3)} x ${side(5)}, ${other.name}`, profile: other === profiles.software && choice % 4 < 2 ? inStep : inFours, off: choice % 2 === 0 ? apart : new Set<string>(), tile: [side(3), side(5), (["written", "rows", "columns"] as const)[choice % 3] ?? "written"] },
    { label: "all on, software in step", profile: inStep, off: new Set<string>() },
    { label: "in blocks, gpu", profile: profiles.gpu, off: apart, block: { ...block, finish: choice % 8 < 4 ? "written" : "rows", ...(choice % 16 < 8 && { ahead: true }) } },
    { label: "all on, gpu in step", profile: joined, off: new Set<string>() },
    { label: `in less memory, ${other.name}`, profile: other, off: new Set<string>(), budget: [0.5, 0.7, 0.9][choice % 3] ?? 0.5 },
    { label: `all in stages, ${other.name}`, profile: choice % 8 < 4 ? inFours : other, off: new Set<string>(), dispatch: 1 },
    { label: "only rewriting", profile: profiles.gpu, off: new Set(lowerSwitches) },
  ];
  const drawn = (v: Variant): boolean => {
    if (v.dispatch !== undefined) return choice % 3 === 2;
    if (v.block) return choice % 4 === 1;
    if (v.profile === joined) return choice % 3 === 1;
    return v.profile !== inStep || v.tile !== undefined || choice % 3 === 0;
  };
  return all.filter((v) => v.label !== (choice % 8 < 4 ? "only rewriting" : `all off, ${other.name}`) && drawn(v));
}

/** All on, and every optimisation below the graph left out by itself, for both classes. */
export function everyVariant(subgroup: number | undefined): readonly Variant[] {
  return [profiles.software, profiles.gpu].flatMap((plain) => {
    const profile: Profile = { ...plain, vector, several, ...(plain.attention && { attention: 1 }), ...(subgroup && { subgroup }) };
    return [undefined, ...lowerSwitches].map((one): Variant => ({ label: one ? `without ${one}, ${plain.name}` : `all on, ${plain.name} in step`, profile, off: new Set(one ? [one] : []) }));
  });
}
