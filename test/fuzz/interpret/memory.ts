/**
 * The memory of interpreted kernels: slabs of f64 with a cell for every two bytes, as a plan lays them out, and for each cell who wrote it
 * last, so that nothing goes unseen that a device may do either way.
 *
 *     out of bounds           writing is an error; what is read there is poison
 *     never written           poison, of either kind (see `poisons`): a result that it reaches is not the formula's
 *     two write one place     an error, unless a barrier stands between
 *     one writes, one reads   without a barrier, what is read after it was written is poison; in the other order of lanes and workgroups
 *                             it is the other one that reads too late, so two runs see all
 *
 * A segment is what a workgroup does between two barriers; segments are numbered through, so memory is never cleared.
 */
import type { Buffer, Kernel } from "../../../src/ir/kernel.ts";
import type { Placement, SlabName } from "../../../src/memory/placement.ts";
import { slabNames, widthOf } from "../../../src/memory/placement.ts";

/** Cells of two bytes. */
const cell = 2;

/** What is read where nothing was written: NaN spoils all arithmetic, a large number comparisons, indices and conditions. */
export const poisons: readonly number[] = [Number.NaN, 12345678];

class Slab {
  readonly values: Float64Array;
  /** The segment in which a cell was written last, and the invocation that wrote it. */
  readonly segment: Int32Array;
  readonly writer: Int32Array;

  constructor(cells: number) {
    this.values = new Float64Array(cells);
    this.segment = new Int32Array(cells);
    this.writer = new Int32Array(cells);
  }
}

/** Where one buffer of a kernel lies. */
interface Place {
  readonly buffer: Buffer;
  readonly slab: Slab;
  readonly first: number;
  readonly step: number;
  /** Elements, and with the padding that may be written four at a time. */
  readonly elements: number;
  readonly padded: number;
  readonly writable: boolean;
}

/** All slabs of an entry and, for one dispatch after the other, the accesses of its invocations. */
export class Memory {
  private readonly slabs: readonly Slab[];
  private readonly shared = new Map<string, Slab>();
  private places: readonly Place[] = [];
  private poison = Number.NaN;
  private kernel = "";
  // The segments of now: the first of the dispatch, of the workgroup, and those since the last barrier of either kind.
  private segments = 0;
  private dispatch = 0;
  private group = 0;
  private storage = 0;
  private local = 0;
  /** Who runs, by number in its workgroup. */
  invocation = 0;

  constructor(bytes: Readonly<Record<SlabName, number>>) {
    this.slabs = slabNames.map((name) => new Slab(Math.max(256, bytes[name]) / cell));
  }

  /** Spoils these slabs. */
  spoil(poison: number, names: readonly SlabName[]): void {
    this.poison = poison;
    for (const name of names) this.slab(name).values.fill(poison);
  }

  put(slab: number, offset: number, data: ArrayLike<number>): void {
    const { values } = this.slabs[slab] as Slab;
    for (let k = 0; k < data.length; k++) values[offset / cell + 2 * k] = data[k] as number;
  }

  get(slab: number, offset: number, elements: number): Float64Array {
    const { values } = this.slabs[slab] as Slab;
    return Float64Array.from({ length: elements }, (_, k) => values[offset / cell + 2 * k] as number);
  }

  /** A dispatch of a kernel begins. */
  begin(kernel: Kernel, { groups, of }: Placement, params: readonly number[]): void {
    this.kernel = `${kernel.name} (${kernel.family})`;
    this.dispatch = ++this.segments;
    this.places = kernel.buffers.map((buffer) => {
      const place = of.get(buffer);
      const group = place && groups[place.group];
      if (!place || !group) throw new Error(`${this.kernel}: ${buffer.name} has no binding`);
      const [from, step] = [place.base === undefined ? 0 : (params[place.base] as number), widthOf(group.elem) / cell];
      const end = Math.floor(group.bytes / widthOf(group.elem)) - from;
      if (!(from >= 0 && buffer.elements <= end)) throw new Error(`${this.kernel}: ${buffer.name} leaves its binding`);
      return {
        buffer, slab: this.slab(group.slab), first: group.offset / cell + step * from, step, elements: buffer.elements,
        padded: Math.min(end, 4 * Math.ceil(Math.max(1, buffer.elements) / 4)), writable: group.access === "read_write",
      };
    });
  }

  /** A workgroup begins, with workgroup memory of its own. */
  workgroup(arrays: readonly { readonly name: string; readonly elements: number }[]): void {
    this.group = this.storage = this.local = ++this.segments;
    for (const { name, elements } of arrays) {
      const slab = this.shared.get(name);
      const fresh = slab?.values.length === elements ? slab : new Slab(elements);
      fresh.values.fill(this.poison);
      this.shared.set(name, fresh);
    }
  }

  /** All invocations of the workgroup have come to a barrier. */
  barrier(scope: "workgroup" | "storage"): void {
    this.segments++;
    if (scope === "storage") this.storage = this.segments;
    else this.local = this.segments;
  }

  /** The element with which a quad begins. Whatever a binding holds begins at a multiple of four. */
  quad(buffer: number, index: number): number {
    const { first, step } = this.place(buffer);
    if ((first / step) % 4 !== 0) throw new Error(`${this.kernel}: four neighbours of ${this.name(buffer)} begin at ${first / step}`);
    return 4 * index;
  }

  load(buffer: number, index: number): number {
    const { slab, first, step, padded } = this.place(buffer);
    if (!(index >= 0 && index < padded)) return this.poison;
    const at = first + step * index;
    return this.isRaced(slab, at) ? this.poison : (slab.values[at] as number);
  }

  store(buffer: number, index: number, value: number): void {
    if (index >= this.place(buffer).elements) this.outside(this.name(buffer), index, this.place(buffer).elements);
    this.store4(buffer, index, value);
  }

  /** One of four neighbours, the last of which may be padding. */
  store4(buffer: number, index: number, value: number): void {
    const { slab, first, step, padded, writable } = this.place(buffer);
    if (!writable) throw new Error(`${this.kernel}: writes ${this.name(buffer)}, which is bound to be read`);
    if (!(index >= 0 && index < padded)) this.outside(this.name(buffer), index, padded);
    const at = first + step * index;
    if (this.isRaced(slab, at)) throw new Error(`${this.kernel}: two invocations write element ${index} of ${this.name(buffer)} without a barrier between`);
    this.set(slab, at, value, this.storage);
  }

  read(name: string, index: number): number {
    const slab = this.array(name);
    if (!(index >= 0 && index < slab.values.length)) return this.poison;
    return isOpen(slab, index, this.local, this.invocation) ? this.poison : (slab.values[index] as number);
  }

  write(name: string, index: number, value: number): void {
    const slab = this.array(name);
    if (!(index >= 0 && index < slab.values.length)) this.outside(name, index, slab.values.length);
    if (isOpen(slab, index, this.local, this.invocation)) throw new Error(`${this.kernel}: two invocations write element ${index} of ${name} without a barrier between`);
    this.set(slab, index, value, this.local);
  }

  /** Of an array of the invocation's own. */
  element(array: readonly number[], index: number): number {
    return array[index] ?? this.poison;
  }

  private set(slab: Slab, at: number, value: number, segment: number): void {
    slab.values[at] = value;
    slab.segment[at] = segment;
    slab.writer[at] = this.invocation;
  }

  /** Nothing makes this invocation wait for the one that has written it: one of another workgroup of the dispatch, or of this one since the last barrier. */
  private isRaced(slab: Slab, at: number): boolean {
    const segment = slab.segment[at] as number;
    return (segment >= this.dispatch && segment < this.group) || isOpen(slab, at, this.storage, this.invocation);
  }

  private outside(name: string, index: number, elements: number): never {
    throw new Error(`${this.kernel}: writes element ${index} of ${name}, which has ${elements}`);
  }

  private name(buffer: number): string {
    return this.place(buffer).buffer.name;
  }

  private place(buffer: number): Place {
    return this.places[buffer] as Place;
  }

  private array(name: string): Slab {
    return this.shared.get(name) as Slab;
  }

  private slab(name: SlabName): Slab {
    return this.slabs[slabNames.indexOf(name)] as Slab;
  }
}

/** Another invocation has written it since. */
function isOpen(slab: Slab, at: number, since: number, invocation: number): boolean {
  return (slab.segment[at] as number) >= since && slab.writer[at] !== invocation;
}
