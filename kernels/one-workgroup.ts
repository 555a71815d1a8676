/**
 * Kernels one after the other in one dispatch of one workgroup. Comes in: kernels in order, and how many lanes there are. Goes out: a
 * kernel whose lanes go through the invocations of each, with a barrier wherever one needs what an earlier one wrote, or overwrites what
 * an earlier one read.
 *
 *     h = tanh(x W); s[b] = Σ h[b, ·]     ->     for i = lane; i < 512; i += 4 { h[i] = … }  barrier  for i = lane; i < 32; i += 4 { s[i] = … }
 *
 * A storage barrier makes what lanes of one workgroup wrote visible to all of them, and no other workgroup is there. It is met by all lanes:
 * it stands outside of all loops. Kernels between two barriers do not depend on each other and make a stage. A kernel that has barriers of
 * its own keeps its width, so that its lanes are those of the workgroup; any other may be wider or narrower.
 */
import * as dims from "../src/ir/dims.ts";
import type { Dim } from "../src/ir/dims.ts";
import { builtin, partsOf } from "../src/ir/kernel.ts";
import type { Buffer, Kernel, KernelStmt, Nest, ParamSlot, Touched } from "../src/ir/kernel.ts";
import { ref } from "../src/ir/scalar.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import { below, ceilOver, int, over, plus, rest, times } from "./arithmetic.ts";
import { touched } from "./bound-kernel.ts";
import { dropUnused } from "./drop-unused.ts";
import { nameOfAll, slotFor } from "./horizontal.ts";
import { lane } from "./launch.ts";
import { lastValue, renumber } from "./renumber.ts";

/** What shares a dispatch, each by itself. */
export function membersOf(kernel: Kernel): readonly Kernel[] {
  return kernel.members ?? [kernel];
}

/** True where one workgroup of so many lanes may run it. */
export function fitsOneWorkgroup(kernel: Kernel, width: number): boolean {
  return membersOf(kernel).every((m) => {
    const [x, y, z] = m.workgroup;
    const isLine = m.grid.slice(1).every(({ size, per }) => size === 1 && per === 1);
    return isLine && y === 1 && z === 1 && (hasBarriers(m.body) ? x === width : x % width === 0 || width % x === 0) && !hasOwnStages(m);
  });
}

/** True where its lanes wait for each other or share memory. */
export function hasBarriers(body: readonly KernelStmt[]): boolean {
  return body.some((s) => s.kind === "barrier" || s.kind === "shared" || (s.kind === "for" && hasBarriers(s.body)) || (s.kind === "if" && (hasBarriers(s.body) || hasBarriers(s.otherwise ?? []))));
}

function hasOwnStages(kernel: Kernel): boolean {
  return kernel.stages !== undefined || kernel.nests.length !== 1;
}

/** Invocations of a kernel that have something to do: a size divided by a number, rounded up, times another. */
function invocationsOf({ grid: [{ size, per }], workgroup: [width], inLine }: Kernel): { readonly size: Dim; readonly per: number; readonly each: number } {
  return inLine && per % width === 0 ? { size, per: per / width, each: 1 } : { size, per, each: width };
}

/** The turns in which so many lanes go through all invocations of a kernel. */
export function turnsOf(kernel: Kernel, width: number, live: dims.Bindings): number {
  const { size, per, each } = invocationsOf(kernel);
  return Math.ceil((Math.max(1, Math.ceil(dims.evaluate(size, live) / per)) * each) / width);
}

/** One kernel for all of them. */
export function inOneWorkgroup(kernels: readonly Kernel[], width: number): Kernel {
  const params: ParamSlot[] = [];
  const arrays: Extract<KernelStmt, { kind: "shared" }>[] = [];
  const body: KernelStmt[] = [];
  const stages: { readonly nests: Nest[]; readonly kernels: Touched[]; readonly reads: Set<Buffer>; readonly writes: Set<Buffer> }[] = [];
  let next = 0;
  for (const kernel of kernels.flatMap(membersOf)) {
    let stage = stages.at(-1);
    if (!stage || needs(kernel, stage)) {
      if (stage) body.push({ kind: "barrier", scope: "storage" });
      stage = { nests: [], kernels: [], reads: new Set(), writes: new Set() };
      stages.push(stage);
    }
    stage.nests.push(...kernel.nests);
    stage.kernels.push({ reads: kernel.reads, writes: kernel.writes });
    for (const b of kernel.reads) stage.reads.add(b);
    for (const b of kernel.writes) stage.writes.add(b);
    const member = new Member(kernel, width, { params, arrays, next });
    body.push(...member.statements());
    next = member.next;
  }
  const all = [...arrays, ...body];
  return {
    name: nameOfAll(kernels.flatMap(membersOf), "then"),
    family: `stages ${stages.length}`,
    workgroup: [width, 1, 1],
    grid: [{ size: 1, per: 1 }, { size: 1, per: 1 }, { size: 1, per: 1 }],
    ...touched(all), params, body: all, nests: stages.flatMap((s) => s.nests), stages,
  };
}

/** One writes what the other touches, by whichever arena. */
function needs(kernel: Touched, before: Touched): boolean {
  const [read, written] = [before.reads, before.writes].map((of) => new Set([...of].flatMap(partsOf)));
  return [...kernel.writes].flatMap(partsOf).some((b) => read?.has(b) || written?.has(b)) || [...kernel.reads].flatMap(partsOf).some((b) => written?.has(b));
}

/** What the kernels of a workgroup share. */
interface Shared {
  readonly params: ParamSlot[];
  /** Workgroup arrays. */
  readonly arrays: Extract<KernelStmt, { kind: "shared" }>[];
  /** The first free value number. */
  readonly next: number;
}

/** One kernel among those of a workgroup. */
class Member {
  private readonly kernel: Kernel;
  private readonly width: number;
  private readonly shared: Shared;
  next: number;

  constructor(kernel: Kernel, width: number, shared: Shared) {
    this.kernel = kernel;
    this.width = width;
    this.shared = shared;
    this.next = shared.next;
  }

  /** Its statements, for all of its invocations. */
  statements(): readonly KernelStmt[] {
    const { kernel, width } = this;
    const [own] = kernel.workgroup;
    const out: KernelStmt[] = [];
    if (hasBarriers(kernel.body)) {
      const [{ size, per }] = kernel.grid;
      // What it and others had in workgroup memory is read by then.
      const turn = (index: Scalar, at: KernelStmt[]): void => void at.push({ kind: "barrier", scope: "workgroup" }, ...this.body(index, lane, undefined));
      this.loop(out, this.named(out, ceilOver(this.size(size), per)), turn);
      return out;
    }
    const { size, per, each } = invocationsOf(kernel);
    const count = this.named(out, times(ceilOver(this.size(size), per), int(each)));
    this.loop(out, this.named(out, ceilOver(count, width)), (index, at) => {
      const item = this.named(at, plus(times(index, int(width)), lane));
      const inner: KernelStmt[] = [];
      const workgroup = this.named(inner, over(item, int(own)));
      const local = this.named(inner, rest(item, int(own)));
      inner.push(...this.body(workgroup, local, item));
      const used = dropUnused(inner);
      // A body says itself where it ends, unless its workgroups are full: then the last lanes may have nothing to do.
      const mayExceed = count.kind === "constant" ? count.value % width !== 0 && count.value % own === 0 : each > 1 && width > own;
      if (mayExceed) at.push({ kind: "if", condition: below(item, count), body: used });
      else at.push(...used);
    });
    return out;
  }

  /** The body for one workgroup and lane; `item` where the number in the line is known. */
  private body(workgroup: Scalar, local: Scalar, item: Scalar | undefined): readonly KernelStmt[] {
    const { kernel, shared: { params } } = this;
    const [own] = kernel.workgroup;
    const offset = this.next;
    this.next += lastValue(kernel.body) + 1;
    const slots = kernel.params.map((p) => slotFor(params, p));
    const names = new Map<string, string>();
    for (const s of kernel.body) if (s.kind === "shared") names.set(s.name, this.array(s, new Set(names.values())));
    return renumber(kernel.body.filter((s) => s.kind !== "shared"), {
      offset,
      builtins: new Map([[builtin.workgroupX, workgroup], [builtin.workgroupY, int(0)], [builtin.workgroupZ, int(0)], [builtin.localX, local], [builtin.localY, int(0)], [builtin.localZ, int(0)]]),
      slot: (k) => slots[k] ?? k,
      array: (name) => names.get(name) ?? name,
      ...(item && { whole: (s: Scalar) => (isItem(s, own) ? item : undefined) }),
    });
  }

  /** A workgroup array like the one asked for: kernels have them one after the other. */
  private array(wanted: Extract<KernelStmt, { kind: "shared" }>, taken: ReadonlySet<string>): string {
    const { arrays } = this.shared;
    const same = arrays.find((a) => !taken.has(a.name) && a.dtype === wanted.dtype && a.elements === wanted.elements && a.fours === wanted.fours);
    if (same) return same.name;
    const name = `shared_${arrays.length}`;
    arrays.push({ ...wanted, name });
    return name;
  }

  private loop(out: KernelStmt[], turns: Scalar, body: (turn: Scalar, inner: KernelStmt[]) => void): void {
    if (turns.kind === "constant" && turns.value <= 1) {
      body(int(0), out);
      return;
    }
    const id = this.next++;
    const inner: KernelStmt[] = [];
    body(ref(id, "i32"), inner);
    out.push({ kind: "for", id, from: int(0), to: turns, step: 1, body: inner });
  }

  private named(out: KernelStmt[], value: Scalar): Scalar {
    if (value.kind !== "op") return value;
    const id = this.next++;
    out.push({ kind: "let", id, value });
    return ref(id, value.dtype);
  }

  private size(d: Dim): Scalar {
    if (dims.isStatic(d)) return int(Math.max(1, d));
    return { kind: "param", dtype: "i32", slot: slotFor(this.shared.params, { dtype: "i32", source: { kind: "size", dim: d } }) };
  }
}

/** workgroup · width + lane: the number of an invocation in the line. */
function isItem(s: Scalar, width: number): boolean {
  const [product, last] = s.kind === "op" && s.op === "add" ? s.args : [];
  const [x, by] = product?.kind === "op" && product.op === "mul" ? product.args : [];
  return last?.kind === "ref" && last.id === builtin.localX && x?.kind === "ref" && x.id === builtin.workgroupX && by?.kind === "constant" && by.value === width;
}
