/**
 * How much one dispatch of a kernel does. Comes in: a kernel and the live sizes. Goes out: accesses of memory, arithmetic, turns of
 * loops and barriers over all its invocations, and the bytes that must move at least.
 *
 *     y = a x + b over 1,000,000 numbers:   3e6 accesses, 2e6 FLOP, 12 MB
 *
 * The body is walked with numbers for what is known (sizes, constants, the workgroup), for a few workgroups from all over the grid,
 * and each loop once, in the middle of its run. A condition that data decides counts as true. Where both branches are gone through, one that no
 * lane of the workgroup takes costs what its statements do: its loops are left after a turn.
 */
import * as dims from "../src/ir/dims.ts";
import { builtin } from "../src/ir/kernel.ts";
import type { Buffer, Kernel, KernelStmt } from "../src/ir/kernel.ts";
import type { Scalar, ScalarFunction, ScalarOp } from "../src/ir/scalar.ts";
import { operationWeights, ratios } from "../src/schedule/prices.ts";

/** Totals over all invocations of a dispatch. */
export interface Work {
  readonly workgroups: number;
  readonly invocations: number;
  /** Loads and stores of single elements, those of four neighbours by what they cost. */
  readonly accesses: number;
  /** Reads and writes of workgroup memory and of an invocation's own arrays. */
  readonly shared: number;
  /** Operations on f32 that count, functions by their formulas: not those of branches that are known not to be taken. */
  readonly flops: number;
  /** Operations of any kind, those on indices among them, in units of an addition. */
  readonly operations: number;
  /** Turns of loops. */
  readonly turns: number;
  /** Barriers times the invocations that meet at them. */
  readonly barriers: number;
  /** Each buffer that is read once, and each that is written once. */
  readonly bytes: number;
}

/** How a device treats a branch that its invocations do not take. */
export interface Counting {
  readonly live: dims.Bindings;
  /** A processor that plays GPU goes through both branches. */
  readonly bothBranches: boolean;
  /** Workgroups that are looked at. */
  readonly sampled?: number;
}

type Known = Map<number, number | undefined>;
type Totals = { -readonly [K in keyof Work]: Work[K] };

/** Counts one dispatch. */
export function countWork(kernel: Kernel, { live, bothBranches, sampled = 64 }: Counting): Work {
  const grid = kernel.grid.map(({ size, per }) => Math.max(1, Math.ceil(dims.evaluate(size, live) / per)));
  const [x = 1, y = 1, z = 1] = grid;
  const workgroups = x * y * z;
  const width = kernel.workgroup[0] * kernel.workgroup[1] * kernel.workgroup[2];
  const samples = Math.min(sampled, workgroups);
  const totals: Totals = { workgroups, invocations: workgroups * width, accesses: 0, shared: 0, flops: 0, operations: 0, turns: 0, barriers: 0, bytes: bytesOf(kernel, live) };
  for (let k = 0; k < samples; k++) {
    // The middle of each of as many equal parts of the grid.
    const at = Math.floor(((k + 0.5) * workgroups) / samples);
    const known: Known = new Map([
      [builtin.workgroupX, at % x], [builtin.workgroupY, Math.floor(at / x) % y], [builtin.workgroupZ, Math.floor(at / (x * y))],
      [builtin.localX, 0], [builtin.localY, 0], [builtin.localZ, 0],
    ]);
    const times = (workgroups * width) / samples;
    new Counter(kernel, live, bothBranches, known, totals).stmts(kernel.body, times, times);
  }
  return totals;
}

function bytesOf(kernel: Kernel, live: dims.Bindings): number {
  const once = (buffers: ReadonlySet<Buffer>): number => [...buffers].reduce((n, b) => n + (b.half ? 2 : 4) * dims.evaluate(dims.product(b.shape), live), 0);
  return once(kernel.reads) + once(kernel.writes);
}

/** Walks a body and adds up what it does, each statement as often as invocations come to it, and as often as its results are of use. */
class Counter {
  private readonly kernel: Kernel;
  private readonly live: dims.Bindings;
  private readonly bothBranches: boolean;
  private readonly known: Known;
  private readonly totals: Totals;
  /** Loops around what is looked at. */
  private depth = 0;
  /** All lanes of the workgroup are switched off. */
  private isIdle = false;

  constructor(kernel: Kernel, live: dims.Bindings, bothBranches: boolean, known: Known, totals: Totals) {
    this.kernel = kernel;
    this.live = live;
    this.bothBranches = bothBranches;
    this.known = known;
    this.totals = totals;
  }

  stmts(list: readonly KernelStmt[], times: number, useful: number): void {
    for (const s of list) this.stmt(s, times, useful);
  }

  private stmt(s: KernelStmt, times: number, useful: number): void {
    const { totals } = this;
    switch (s.kind) {
      case "let":
        this.known.set(s.id, this.scalar(s.value, times, useful));
        return;
      case "var":
        this.scalar(s.init, times, useful);
        return;
      case "assign":
        this.scalar(s.value, times, useful);
        return;
      case "load":
      case "store":
        this.scalar(s.index, times, useful);
        if (s.guard) this.scalar(s.guard, times, useful);
        if (s.kind === "store") this.scalar(s.value, times, useful);
        totals.accesses += times;
        return;
      case "load4":
      case "store4":
        this.scalar(s.index, times, useful);
        if (s.guard) this.scalar(s.guard, times, useful);
        if (s.kind === "store4") for (const v of s.values) this.scalar(v, times, useful);
        totals.accesses += ratios.wide * times;
        return;
      case "for": {
        const [from, end] = [this.scalar(s.from, times, useful) ?? 0, this.scalar(s.to, times, useful)];
        const to = this.atMost(s.to) ?? end;
        const turns = to === undefined || this.isIdle ? 1 : Math.max(0, Math.ceil((to - from) / s.step));
        this.known.set(s.id, from + s.step * Math.floor(turns / 2));
        totals.turns += turns * times;
        this.depth++;
        this.stmts(s.body, turns * times, turns * useful);
        this.depth--;
        return;
      }
      case "if": {
        const holds = this.scalar(s.condition, times, useful);
        if (holds !== 0 || this.bothBranches) this.branch(s.body, times, useful, holds === 0);
        if (holds === 0 || this.bothBranches) this.branch(s.otherwise ?? [], times, holds === 0 ? useful : 0, holds !== undefined && holds !== 0);
        return;
      }
      case "read_shared":
      case "write_shared":
        this.scalar(s.index, times, useful);
        if (s.kind === "write_shared") this.scalar(s.value, times, useful);
        totals.shared += times;
        return;
      case "read_shared4":
      case "write_shared4":
        this.scalar(s.index, times, useful);
        if (s.kind === "write_shared4") for (const v of s.values) this.scalar(v, times, useful);
        totals.shared += 4 * times;
        return;
      case "array":
        for (const v of s.values) this.scalar(v, times, useful);
        totals.shared += s.values.length * times;
        return;
      case "element":
        this.scalar(s.index, times, useful);
        totals.shared += times;
        return;
      case "barrier":
        totals.barriers += times;
        return;
      case "shared":
        return;
    }
  }

  /**
   * A branch that may not be taken. Outside of loops the whole workgroup does not take it, as far as is known; then its loops are left after one turn. Of
   * a loop only one turn is looked at, which need not speak for the others.
   */
  private branch(body: readonly KernelStmt[], times: number, useful: number, isOff: boolean): void {
    const before = this.isIdle;
    this.isIdle ||= isOff && this.depth === 0;
    this.stmts(body, times, isOff ? 0 : useful);
    this.isIdle = before;
  }

  /** Where a loop ends at the latest that an invocation may leave earlier: only first ones of workgroups are looked at, which may be those that do. */
  private atMost(s: Scalar): number | undefined {
    const [most] = s.kind === "op" && s.op === "min" ? s.args : [];
    return most?.kind === "constant" ? most.value : undefined;
  }

  /** Counts the operations of a scalar; its value where that is known. */
  private scalar(s: Scalar, times: number, useful: number): number | undefined {
    switch (s.kind) {
      case "constant":
        return s.value;
      case "ref":
        return this.known.get(s.id);
      case "param": {
        const source = this.kernel.params[s.slot]?.source;
        return source?.kind === "size" ? dims.evaluate(source.dim, this.live) : source?.kind === "constant" || source?.kind === "offset" ? source.value : undefined;
      }
      case "call": {
        for (const a of s.args) this.scalar(a, times, useful);
        const { flops, operations } = sizeOfFunction(s.fn);
        this.totals.flops += flops * useful;
        this.totals.operations += operations * times;
        return undefined;
      }
      case "op": {
        const args = s.args.map((a) => this.scalar(a, times, useful));
        this.totals.operations += weightOf(s.op) * times;
        if (isFlop(s)) this.totals.flops += useful;
        return s.dtype === "f32" ? undefined : valueOf(s.op, args);
      }
    }
  }
}

function weightOf(op: ScalarOp): number {
  return operationWeights[op] ?? 1;
}

/** Arithmetic on f32; choices, comparisons and conversions are none. */
function isFlop(s: Extract<Scalar, { kind: "op" }>): boolean {
  return s.dtype === "f32" && s.op !== "select" && s.op !== "cast" && s.op !== "bitcast";
}

function sizeOfFunction(fn: ScalarFunction): { readonly flops: number; readonly operations: number } {
  const total = { flops: 0, operations: 0 };
  const visit = (s: Scalar): void => {
    if (s.kind !== "op" && s.kind !== "call") return;
    for (const a of s.args) visit(a);
    if (s.kind === "call") {
      const inner = sizeOfFunction(s.fn);
      total.flops += inner.flops;
      total.operations += inner.operations;
      return;
    }
    total.operations += weightOf(s.op);
    if (isFlop(s)) total.flops++;
  };
  for (const s of [...fn.lets, fn.result]) visit(s);
  return total;
}

/** An operation on integers or truths (1 and 0) whose operands are known. */
function valueOf(op: ScalarOp, args: readonly (number | undefined)[]): number | undefined {
  const [a, b, c] = args;
  // One known operand may decide.
  if (op === "and" && (a === 0 || b === 0)) return 0;
  if (op === "or" && (a === 1 || b === 1)) return 1;
  if (op === "select") return a === undefined ? undefined : a === 0 ? c : b;
  if (a === undefined) return undefined;
  if (op === "not") return a === 0 ? 1 : 0;
  if (op === "neg") return -a;
  if (op === "abs") return Math.abs(a);
  if (b === undefined) return undefined;
  switch (op) {
    case "add":
      return a + b;
    case "sub":
      return a - b;
    case "mul":
      return a * b;
    case "div":
      return b === 0 ? undefined : Math.trunc(a / b);
    case "mod":
      return b === 0 ? undefined : a % b;
    case "min":
      return Math.min(a, b);
    case "max":
      return Math.max(a, b);
    case "and":
      return a && b ? 1 : 0;
    case "or":
      return a || b ? 1 : 0;
    case "==":
      return a === b ? 1 : 0;
    case "!=":
      return a !== b ? 1 : 0;
    case "<":
      return a < b ? 1 : 0;
    case "<=":
      return a <= b ? 1 : 0;
    case ">":
      return a > b ? 1 : 0;
    case ">=":
      return a >= b ? 1 : 0;
    default:
      return undefined;
  }
}
