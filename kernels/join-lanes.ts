/**
 * Joins what the lanes of a workgroup have folded, each for itself, and gives all of them the result. Comes in: a fold and each lane's
 * accumulators. Goes out: kernel statements with barriers, and the results.
 *
 *     sum, 64 lanes:                         32, 16, … 1 lanes add what the other half has: six barriers
 *     sum, 256 lanes in subgroups of 32:     each subgroup adds without memory; all lanes add the 8 parts: one barrier
 *
 * Lower lanes come first, so results repeat.
 */
import type { KernelStmt, Monoid } from "../src/ir/kernel.ts";
import { constant, op, ref } from "../src/ir/scalar.ts";
import type { Scalar, ScalarOp } from "../src/ir/scalar.ts";
import { below, int, over, plus, rest } from "./arithmetic.ts";
import type { KernelBuilder } from "./kernel-builder.ts";
import { lane } from "./launch.ts";
import { combine, type Accumulator, type Fold } from "./accumulators.ts";

/** The lanes of one workgroup. */
export interface Lanes {
  readonly width: number;
  /** How many of them run in step and can join their values without memory; absent where that is not so. */
  readonly subgroup: number | undefined;
  /** So many lanes side by side belong to as many results; those of one are so far apart. */
  readonly beside?: number;
  /** Where workgroup arrays are declared, and those that are: folds use them one after the other. */
  readonly top: KernelStmt[];
  readonly arrays: Map<string, string>;
}

/** How subgroups join values; the first of equals is not to be found that way. */
const joins: Partial<Readonly<Record<Monoid, ScalarOp>>> = { sum: "subgroup_add", prod: "subgroup_mul", max: "subgroup_max", any: "subgroup_any", all: "subgroup_all" };
/** So few parts each lane joins by itself. */
const fewParts = 16;

/** Statements that join the accumulators; the results are values of all lanes. */
export function joinLanes(b: KernelBuilder, fold: Fold, mine: readonly Accumulator[], lanes: Lanes, out: KernelStmt[]): readonly Scalar[] {
  const { width, subgroup = 1 } = lanes;
  const join = joins[fold.monoid];
  const [own] = mine;
  if (subgroup === 1 || !join || !own) return tree(b, fold, mine, width, lane, lanes, out);
  const joined = b.let(out, op(join, own.dtype, [own]));
  const parts = width / subgroup;
  if (parts === 1) return [joined];
  out.push({ kind: "assign", id: own.id, value: joined });
  const shared = new SharedValues(b, mine, lanes);
  // All lanes of a subgroup have the same, and one of them says so.
  const first: KernelStmt[] = [];
  shared.write(first, over(lane, int(subgroup)));
  out.push({ kind: "if", condition: op("==", "bool", [op("mod", "i32", [lane, int(subgroup)]), int(0)]), body: first });
  out.push({ kind: "barrier", scope: "workgroup" });
  if (parts > fewParts) {
    const load: KernelStmt[] = [];
    shared.read(load, lane).forEach((value, k) => {
      load.push({ kind: "assign", id: mine[k]?.id ?? 0, value });
    });
    out.push({ kind: "if", condition: below(lane, int(parts)), body: load }, { kind: "barrier", scope: "workgroup" });
    return tree(b, fold, mine, parts, lane, lanes, out);
  }
  shared.read(out, int(0)).forEach((value, k) => {
    out.push({ kind: "assign", id: mine[k]?.id ?? 0, value });
  });
  for (let p = 1; p < parts; p++) combine(b, fold.monoid, mine, shared.read(out, int(p)), undefined, out);
  // The arrays are used again by the next fold: nobody writes before all have read.
  out.push({ kind: "barrier", scope: "workgroup" });
  return mine.map((m) => {
    const id = b.fresh();
    out.push({ kind: "let", id, value: m });
    return ref(id, m.dtype);
  });
}

/** Joins the parts of the first lanes pairwise, lower lane first. */
function tree(b: KernelBuilder, fold: Fold, mine: readonly Accumulator[], parts: number, at: Scalar, lanes: Lanes, out: KernelStmt[]): readonly Scalar[] {
  const { beside = 1 } = lanes;
  const shared = new SharedValues(b, mine, lanes);
  const publish: KernelStmt[] = [];
  shared.write(publish, at);
  if (parts === lanes.width) out.push(...publish);
  else out.push({ kind: "if", condition: below(at, int(parts)), body: publish });
  out.push({ kind: "barrier", scope: "workgroup" });
  for (let half = parts / 2; half >= beside; half /= 2) {
    const active: KernelStmt[] = [];
    const theirs = shared.read(active, plus(at, int(half)));
    if (fold.monoid === "argmax") firstWins(b, mine, theirs, active);
    else combine(b, fold.monoid, mine, theirs, undefined, active);
    shared.write(active, at);
    out.push({ kind: "if", condition: below(at, int(half)), body: active }, { kind: "barrier", scope: "workgroup" });
  }
  const results = shared.read(out, rest(at, int(beside)));
  // The arrays are used again by the next fold: nobody writes before all have read.
  out.push({ kind: "barrier", scope: "workgroup" });
  return results;
}

/** Accumulators in workgroup memory, an array for each; conditions as numbers. */
class SharedValues {
  private readonly b: KernelBuilder;
  private readonly mine: readonly Accumulator[];
  private readonly names: readonly string[];

  constructor(b: KernelBuilder, mine: readonly Accumulator[], { width, top, arrays }: Lanes) {
    this.b = b;
    this.mine = mine;
    this.names = mine.map((m, k) => {
      const stored = m.dtype === "bool" ? "u32" : m.dtype;
      const key = `${stored} ${k}`;
      const known = arrays.get(key);
      if (known) return known;
      const name = `shared_${stored}_${k}`;
      arrays.set(key, name);
      top.unshift({ kind: "shared", name, dtype: stored, elements: width });
      return name;
    });
  }

  write(out: KernelStmt[], index: Scalar): void {
    this.mine.forEach((m, k) => {
      out.push({ kind: "write_shared", name: this.names[k] ?? "", index, value: m.dtype === "bool" ? op("cast", "u32", [m]) : m });
    });
  }

  read(out: KernelStmt[], index: Scalar): readonly Scalar[] {
    return this.mine.map((m, k) => {
      const value = this.b.readShared(out, this.names[k] ?? "", index, m.dtype === "bool" ? "u32" : m.dtype);
      return m.dtype === "bool" ? this.b.let(out, op("!=", "bool", [value, constant(0, "u32")])) : value;
    });
  }
}

/** Lanes hold interleaved elements, so of equal values the smaller position wins. */
function firstWins(b: KernelBuilder, mine: readonly Accumulator[], theirs: readonly Scalar[], out: KernelStmt[]): void {
  const [best, at] = mine;
  const [value, position] = theirs;
  if (!best || !at || !value || !position) return;
  const larger = op(">", "bool", [value, best]);
  const earlier = op("and", "bool", [op("==", "bool", [value, best]), below(position, at)]);
  const better = b.let(out, op("or", "bool", [larger, earlier]));
  out.push({ kind: "assign", id: best.id, value: op("select", best.dtype, [better, value, best]) });
  out.push({ kind: "assign", id: at.id, value: op("select", "i32", [better, position, at]) });
}
