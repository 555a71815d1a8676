/**
 * A compiled program as data: what the compiler hands to the runtime and what a bundle carries. Plain JSON values
 * alone. Sizes that vary are polynomials in the size symbols; everything else is a number.
 */

/** A size: a number, or Σ coefficient · Π symbols. */
export type Size = number | { readonly terms: readonly { readonly coefficient: number; readonly symbols: readonly string[] }[] };

export type ElementType = "f32" | "i32" | "u32" | "bool";

export interface TensorInfo {
  readonly name: string;
  readonly dtype: ElementType;
  readonly shape: readonly Size[];
}

/** A parameter or state in the persistent store. */
export interface StoredTensor extends TensorInfo {
  readonly kind: "param" | "state";
  /** `weight`, `bias`, `scale` for parameters. */
  readonly role?: string;
  /** The step whose optimizer keeps this state: `step.critic`. */
  readonly entry?: string;
  readonly offset: number;
  readonly bytes: number;
  /** A former path under which older files keep it. */
  readonly was?: string;
}

/** Integer inputs state their legal values, lo .. hi - 1. */
export interface InputInfo extends TensorInfo {
  readonly role: "input" | "target";
  readonly range?: { readonly lo: number; readonly hi: number };
}

/** A compute kernel's text; equal texts are one pipeline. */
export interface KernelText {
  readonly name: string;
  readonly wgsl: string;
  /** Read or write, per binding in group 0 (binding k + 1; binding 0 is the parameter block). */
  readonly access: readonly ("read" | "read_write")[];
}

/** One 32-bit word of a dispatch's parameter block. */
export type Word =
  | { readonly kind: "i32" | "u32" | "f32"; readonly value: number }
  | { readonly kind: "size"; readonly size: Size }
  | { readonly kind: "host"; readonly index: number }
  | { readonly kind: "word"; readonly word: "seed" | "step" | "example" };

export interface SlabRange {
  /** Position in the entry's slabs; the store is slab 0. */
  readonly slab: number;
  readonly offset: number;
  readonly bytes: number;
}

export interface Dispatch {
  readonly kind: "dispatch";
  readonly kernel: number;
  readonly bindings: readonly SlabRange[];
  readonly words: readonly Word[];
  /** Workgroups per dimension: ceil(size / per), at least 1. */
  readonly grid: readonly { readonly size: Size; readonly per: number }[];
  /** For labels, traces and blame. */
  readonly name: string;
}

/** A copy between different slabs; it ends the compute pass, so the compiler avoids it. */
export interface Copy {
  readonly kind: "copy";
  readonly from: SlabRange;
  readonly to: SlabRange;
}

export interface Repeat {
  readonly kind: "repeat";
  readonly times: number;
  readonly block: Block;
}

export type Block = readonly (Dispatch | Copy | Repeat)[];

/** One f64 instruction of the step's scalars; see the compiler's HostScalar. */
export interface HostInstruction {
  readonly op: string;
  readonly args: readonly number[];
  readonly value?: number;
  readonly name?: string;
  readonly size?: Size;
}

export interface EntryPlan {
  readonly name: string;
  /** The largest values of the size symbols that this plan can run. */
  readonly capacity: Readonly<Record<string, number>>;
  /** slabs[0] is the store, shared by all entries. Bytes at capacity. */
  readonly slabs: readonly { readonly name: string; readonly bytes: number }[];
  readonly inputs: readonly (TensorInfo & SlabRange)[];
  /** All outputs lie in one slab of their own, so one copy reads them. */
  readonly outputs: readonly (TensorInfo & SlabRange & { readonly kind: string })[];
  readonly host: readonly HostInstruction[];
  readonly block: Block;
  /** What the planner knows: peak bytes of the transient slab and the lower bound given by liveness. */
  readonly peak: { readonly bytes: number; readonly lowerBound: number };
}

export interface Program {
  readonly model: string;
  readonly store: { readonly bytes: number; readonly tensors: readonly StoredTensor[] };
  readonly inputs: readonly InputInfo[];
  /** Hyperparameters that may change between steps, with their values. */
  readonly hypers: Readonly<Record<string, number>>;
  /** The symbol of the batch; absent without data. */
  readonly batch?: string;
  readonly kernels: readonly KernelText[];
  readonly entries: Readonly<Record<string, EntryPlan>>;
}
