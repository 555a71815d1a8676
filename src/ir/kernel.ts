/**
 * Kernel IR, between the schedule and any text. A group of graph nodes lowers to a `Nest`: logical loops without a
 * target. A kernel family (kernels/) binds a nest to a `Kernel` for a profile. Memory places the buffers and settles
 * read or read_write; only then is text printed.
 *
 *     nest dense_relu: parallel b in N (cap 64), o in 32
 *       (acc) = fold sum i in 64 { x = load x[b*64 + i]; w = load W[i*32 + o]; } x * w
 *       store h[b*32 + o] = max(acc + load c[o], 0)
 *
 * Values are numbered: an axis' index, a let, a load, a fold's result are `ref`s to an id unique within its nest.
 * Indices are i32 scalars in elements, row-major over capacities; loops run over live extents.
 */
import type { Dim } from "./dims.ts";
import type { Node, Origins } from "./node.ts";
import type { Scalar } from "./scalar.ts";
import type { DType } from "./types.ts";

export type Place = "param" | "state" | "input" | "output" | "temp";

/** A value that exists in memory. `bool` is stored as u32. */
export interface Buffer {
  /** Unique within the entry. */
  readonly id: number;
  /** For people: `h`, `grad.h.W`; never in kernel text. */
  readonly name: string;
  readonly dtype: DType;
  /** Live shape; strides come from the same shape at capacity. */
  readonly shape: readonly Dim[];
  /** Elements at capacity. */
  readonly elements: number;
  readonly place: Place;
  /** Each number is kept in 16 bits: kernels read it as f32, compute in f32 and round what they write. */
  readonly half?: true;
  /** Parameter or state path, input or output name; for a commit the path it is committed to. */
  readonly path?: string;
  /** For an arena: the buffers that lie in it, each from one of its elements on. What lies between them belongs to nobody. */
  readonly parts?: readonly { readonly buffer: Buffer; readonly at: number }[];
}

/** The buffers that an access touches: a buffer, and the parts of an arena. */
export function partsOf(buffer: Buffer): readonly Buffer[] {
  return buffer.parts ? buffer.parts.map((p) => p.buffer) : [buffer];
}

/** A loop dimension: id is the value number of its i32 index. */
export interface Axis {
  readonly id: number;
  readonly name: string;
  /** Live extent; static when it is a number. */
  readonly extent: Dim;
  /** The extent at capacity. */
  readonly capacity: number;
  /** Where the loop ends, at most the extent: for the axis of a fold that ends at the turn around it. */
  readonly below?: Scalar;
}

/** An associative fold with identity. `argmax` carries (value, index), first wins; masked elements contribute the identity. */
export type Monoid = "sum" | "prod" | "max" | "any" | "all" | "argmax";

export type Stmt =
  | { readonly kind: "let"; readonly id: number; readonly value: Scalar }
  /** buffer[index], or 0 where the guard is false (the access then does not happen or is harmless). */
  | { readonly kind: "load"; readonly id: number; readonly buffer: Buffer; readonly index: Scalar; readonly guard?: Scalar }
  | { readonly kind: "store"; readonly buffer: Buffer; readonly index: Scalar; readonly value: Scalar; readonly guard?: Scalar }
  /** Folds `value` over the axes (in order, serial or not); `mask` false contributes the identity. Results: one id, two for argmax. */
  | {
      readonly kind: "fold";
      readonly axes: readonly Axis[];
      readonly monoid: Monoid;
      readonly body: readonly Stmt[];
      readonly value: Scalar;
      readonly mask?: Scalar;
      readonly results: readonly number[];
    }
  /**
   * Runs the body for each index of the axis (the row owner writes its row). In turns, the indices run in order, and each may read what
   * those before it stored; otherwise they are independent.
   */
  | { readonly kind: "each"; readonly axis: Axis; readonly body: readonly Stmt[]; readonly turns?: true };

/** Logical loops over the parallel axes; iterations are independent. */
export interface Nest {
  readonly name: string;
  readonly parallel: readonly Axis[];
  readonly body: readonly Stmt[];
  readonly params: readonly ParamSlot[];
  /** The graph nodes it computes, for reports, blame and documentation. */
  readonly nodes: readonly Node[];
  /** Why these nodes are one nest, a line per decision. */
  readonly why: readonly string[];
  /** `contract` when the body is one product-sum fold (plus prologue and epilogue): families tile it; `turns` when it reads what it stores. */
  readonly shape: "pointwise" | "reduce" | "row" | "contract" | "turns";
}

/** Where a kernel parameter's word comes from: never in the text, so equal kernels share a pipeline. */
export type ParamSource =
  /** The live value of a dimension, i32. */
  | { readonly kind: "size"; readonly dim: Dim }
  | { readonly kind: "constant"; readonly value: number }
  /** Where an access begins, in elements: what differs among kernels of one text (see schedule/offsets-apart.ts). */
  | { readonly kind: "offset"; readonly value: number }
  /** Host scalar `index` of the entry, f64 rounded to f32. */
  | { readonly kind: "host"; readonly index: number }
  /** u32 words of the run: seed, step number, number of the first example. */
  | { readonly kind: "word"; readonly word: "seed" | "step" | "example" }
  /** Element offset of a buffer inside its binding; memory adds these when buffers share a binding. */
  | { readonly kind: "base"; readonly buffer: Buffer };

export interface ParamSlot {
  readonly dtype: DType;
  readonly source: ParamSource;
}

/** One of something for each of four neighbours. */
export type Four<T> = readonly [T, T, T, T];

/** Statements of a bound kernel: those of a nest but `fold` and `each`, plus what binding needs. */
export type KernelStmt =
  | Extract<Stmt, { kind: "let" | "load" | "store" }>
  /** buffer[4·index] and its three neighbours in one access, or zeros where the guard is false. */
  | { readonly kind: "load4"; readonly ids: Four<number>; readonly buffer: Buffer; readonly index: Scalar; readonly guard?: Scalar }
  /** Writes buffer[4·index] and its three neighbours in one access. */
  | { readonly kind: "store4"; readonly buffer: Buffer; readonly index: Scalar; readonly values: Four<Scalar>; readonly guard?: Scalar }
  | { readonly kind: "var"; readonly id: number; readonly dtype: DType; readonly init: Scalar }
  | { readonly kind: "assign"; readonly id: number; readonly value: Scalar }
  /** id from `from` (inclusive) to `to` (exclusive) by `step`; constant bounds where possible. */
  | { readonly kind: "for"; readonly id: number; readonly from: Scalar; readonly to: Scalar; readonly step: number; readonly body: readonly KernelStmt[] }
  | { readonly kind: "if"; readonly condition: Scalar; readonly body: readonly KernelStmt[]; readonly otherwise?: readonly KernelStmt[] }
  /** A workgroup array, its reads and writes, and the barrier between. In fours, its elements are vectors that are read and written whole. */
  | { readonly kind: "shared"; readonly name: string; readonly dtype: DType; readonly elements: number; readonly fours?: true }
  | { readonly kind: "read_shared"; readonly id: number; readonly name: string; readonly index: Scalar; readonly dtype: DType }
  | { readonly kind: "write_shared"; readonly name: string; readonly index: Scalar; readonly value: Scalar }
  | { readonly kind: "read_shared4"; readonly ids: readonly number[]; readonly name: string; readonly index: Scalar; readonly dtype: DType }
  | { readonly kind: "write_shared4"; readonly name: string; readonly index: Scalar; readonly values: readonly Scalar[] }
  | { readonly kind: "barrier"; readonly scope: "workgroup" | "storage" }
  /** An array of the invocation's own, of these values; an element of it, whose number need not be known. */
  | { readonly kind: "array"; readonly id: number; readonly dtype: DType; readonly values: readonly Scalar[] }
  | { readonly kind: "element"; readonly id: number; readonly array: number; readonly index: Scalar; readonly dtype: DType };

/** Value ids that every bound kernel has from the start (i32). */
export const builtin = { workgroupX: -1, workgroupY: -2, workgroupZ: -3, localX: -4, localY: -5, localZ: -6 } as const;

/** Workgroups along one dimension: ceil(size / per), at least 1. Evaluated by the runtime for the live sizes. */
export interface Launch {
  readonly size: Dim;
  readonly per: number;
}

/** One dispatch: what memory places and the WGSL printer prints. */
export interface Kernel {
  /** From content: `dense_relu`; for labels and comments. */
  readonly name: string;
  readonly family: string;
  readonly workgroup: readonly [number, number, number];
  /** Workgroups in x, y, z; families fold more than 65,535 into further dimensions. */
  readonly grid: readonly [Launch, Launch, Launch];
  /** Every buffer the body reads or writes, in order of first use: position gives the binding's name in text. */
  readonly buffers: readonly Buffer[];
  readonly reads: ReadonlySet<Buffer>;
  readonly writes: ReadonlySet<Buffer>;
  readonly params: readonly ParamSlot[];
  readonly body: readonly KernelStmt[];
  readonly nests: readonly Nest[];
  /** The same object in kernels that are equal but for their buffers. */
  readonly alike?: object;
  /** What an invocation does follows from its number in a line of all, however wide workgroups are. */
  readonly inLine?: true;
  /** The kernels that share its dispatch, each with a range of its workgroups. */
  readonly members?: readonly Kernel[];
  /** What its one workgroup does in order, with a barrier between: each stage is kernels that do not depend on each other. */
  readonly stages?: readonly Stage[];
  /** Why it is one dispatch with others, or is not. */
  readonly why?: readonly string[];
}

/** What is read and written. */
export interface Touched {
  readonly reads: ReadonlySet<Buffer>;
  readonly writes: ReadonlySet<Buffer>;
}

/** Kernels between two barriers: what each of them touches, which may be less than its nests say, and what all do. */
export interface Stage extends Touched {
  readonly nests: readonly Nest[];
  readonly kernels: readonly Touched[];
}

/** Which device class kernels are made for; every field may be overridden by a tuner. */
export interface Profile {
  readonly name: "software" | "gpu";
  /** Barriers and workgroup memory may be used. */
  readonly barriers: boolean;
  /** Invocations per workgroup for pointwise kernels and for row kernels. */
  readonly pointwise: number;
  readonly rows: number;
  /** Outputs per invocation of the register-tiled contraction (rows, columns). */
  readonly tile: readonly [number, number];
  /**
   * Four neighbours may be one access, which is cheaper than four: in kernels of so many accesses, since their text takes longer to
   * build, and as four points an invocation where so many invocations are left.
   */
  readonly vector?: { readonly accesses: number; readonly invocations: number };
  /** Beginning an invocation costs as much as several accesses: each takes several points in turn, as long as so many invocations are left. */
  readonly several?: number;
  /**
   * Workgroups share folds down columns: of so many turns each, where those of all points are so many that a dispatch of its own is worth it.
   */
  readonly columns?: { readonly fold: number; readonly turns: number };
  /** Keys from which on attention is one kernel, since its scores and weights are worth more than one block; absent where it never is. */
  readonly attention?: number;
  /** Loops of an invocation end where their conditions hold no more. */
  readonly bounded?: boolean;
  /** Folds over the same elements share a loop. */
  readonly joint?: boolean;
  /** So do those that are shifted by what another comes to. */
  readonly onePass?: boolean;
  /** Invocations that run in step and can read each other's values; absent where that varies or cannot be done. */
  readonly subgroup?: number;
  /** Bytes of a workgroup's memory, where the device has been asked for more than every one has. */
  readonly workgroupBytes?: number;
  /** Storage buffers a stage may bind. */
  readonly storageBuffers: number;
  readonly workgroupsPerDimension: number;
}

/** What one entry runs, in order: the schedule's result. */
export interface Schedule {
  readonly entry: string;
  readonly nests: readonly Nest[];
  readonly buffers: readonly Buffer[];
  /** Named results and where they lie. */
  readonly outputs: readonly { readonly name: string; readonly kind: string; readonly buffer: Buffer }[];
  /**
   * `value` (a buffer) becomes the content of `target` (its param or state buffer) when the entry ends. The nest that makes the value
   * may write `target` itself where no later reader of the old value exists; then value === target.
   */
  readonly commits: readonly { readonly path: string; readonly value: Buffer; readonly target: Buffer }[];
  /** Scalars computed on the host in f64 each time the entry runs. */
  readonly host: readonly HostScalar[];
  /** Where the nodes of its nests come from in the source. */
  readonly origins: Origins;
  /** What each buffer holds once its nest has run: a node of its nests. */
  readonly holds: ReadonlyMap<Buffer, Node>;
  /** The node of a nest, or the part of one, that each node of the entry's graph became. */
  readonly became: ReadonlyMap<Node, Node>;
}

/** One f64 instruction; `args` are positions of earlier ones. `op` is an elementwise op's name, or one of the four leaves. */
export interface HostScalar {
  readonly op: string;
  readonly args: readonly number[];
  /** const: the number; pow: the exponent. */
  readonly value?: number;
  /** hyper or step: its name; compare and logic: the relation or kind; cast: the dtype. */
  readonly name?: string;
  /** size: the dimension. */
  readonly dim?: Dim;
}
