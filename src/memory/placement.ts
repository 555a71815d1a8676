/**
 * Where everything lies: the memory stage's result, which kernels' text and the program's plan are made from.
 *
 *     store   [ W: 0..1024 | b: 1024..1280 | adam.s/W … | status ]   shared by all entries
 *     inputs, outputs, temps: slabs of one entry; temps share bytes when their lives do not meet
 *
 * Invariants: offsets are multiples of 256; two temps that live at the same dispatch never overlap; within a
 * dispatch a slab is either only read, or each of its bindings is read_write and they are disjoint.
 */
import type { Buffer, Kernel, ParamSlot, Place } from "../ir/kernel.ts";
import type { DType } from "../ir/types.ts";

/** The slabs of an entry, in the order a plan lists them. */
export type SlabName = "store" | "inputs" | "outputs" | "temps";
/** The order in which plans number the slabs. */
export const slabNames: readonly SlabName[] = ["store", "inputs", "outputs", "temps"];

/** The slab that holds buffers of a place. */
export function slabOf(place: Place): SlabName {
  if (place === "param" || place === "state") return "store";
  return place === "input" ? "inputs" : place === "output" ? "outputs" : "temps";
}

/** Every tensor and every binding starts at a multiple of this. */
export const alignment = 256;

/** The next multiple of `to`. */
export function align(bytes: number, to: number = alignment): number {
  return Math.ceil(bytes / to) * to;
}

/** What an element is in memory: bool is u32, and a number may be kept in 16 bits. */
export type StoredType = DType | "f16";

/** How a buffer's elements lie in memory. */
export function storedAs({ dtype, half }: Buffer): StoredType {
  if (half) return "f16";
  return dtype === "bool" ? "u32" : dtype;
}

/** Bytes of an element. */
export function widthOf(type: StoredType): number {
  return type === "f16" ? 2 : 4;
}

/** Bytes of a buffer at capacity, padded to 16; what the padding holds is unspecified. */
export function bytesOf(buffer: Buffer): number {
  return align(Math.max(1, buffer.elements) * widthOf(storedAs(buffer)), 16);
}

/** The persistent store: parameters and states by path. */
export interface StoreLayout {
  readonly bytes: number;
  readonly offsets: ReadonlyMap<string, { readonly offset: number; readonly bytes: number }>;
}

/** One binding of a kernel. */
export interface Group {
  readonly slab: SlabName;
  readonly offset: number;
  readonly bytes: number;
  /** Element type of the array in text; u32 when buffers of several types share it. */
  readonly elem: StoredType;
  /** Elements at capacity. */
  readonly elements: number;
  readonly access: "read" | "read_write";
}

/** How one kernel reaches its buffers. */
export interface Placement {
  readonly groups: readonly Group[];
  /** Its group, and the parameter slot that holds its first element's position there (absent: 0). */
  readonly of: ReadonlyMap<Buffer, { readonly group: number; readonly base?: number }>;
  /** The kernel's own slots, then the bases. */
  readonly params: readonly ParamSlot[];
}

/** A kernel and where its buffers lie. */
export interface PlacedKernel {
  readonly kernel: Kernel;
  readonly placement: Placement;
}

/** The placement of one entry. */
export interface Plan {
  readonly entry: string;
  readonly kernels: readonly PlacedKernel[];
  /** Byte offset of each buffer in its slab. */
  readonly offsets: ReadonlyMap<Buffer, number>;
  readonly slabs: Readonly<Record<SlabName, number>>;
  /** Bytes of temps used, and the least that any placement of this order needs. */
  readonly peak: { readonly bytes: number; readonly lowerBound: number };
}
