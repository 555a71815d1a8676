/**
 * Checks kernels without trusting how they were made. Comes in: kernels and the device class they are for. Throws an
 * InternalError that names kernel and fault when a limit of the baseline device is broken, a value is used before it is
 * known or outside its scope, a buffer or parameter is not listed, a barrier may be met by some invocations only, or one is missing
 * between stages that need each other.
 *
 *     if (lane < 3) barrier     ->     "…: barrier in control flow that may differ between invocations"
 */
import { builtin, partsOf } from "../src/ir/kernel.ts";
import type { Buffer, Kernel, KernelStmt, Profile, Stage } from "../src/ir/kernel.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import { InternalError } from "../src/support/diagnostic.ts";
import { touched } from "./bound-kernel.ts";
import { baseWorkgroupBytes } from "./profiles.ts";

const mostInvocations = 256;

/** Throws on the first fault. */
export function verifyKernels(kernels: readonly Kernel[], profile: Profile): void {
  for (const kernel of kernels) new Verifier(kernel, profile).run();
}

class Verifier {
  private readonly kernel: Kernel;
  private readonly profile: Profile;
  /** Values in sight, with whether all invocations of a workgroup hold the same. */
  private readonly uniform = new Map<number, boolean>();
  private readonly variables = new Set<number>();
  private readonly arrays = new Map<string, number>();
  /** Workgroup arrays whose elements are vectors of four. */
  private readonly inFours = new Set<string>();
  /** Values that are arrays of the invocation's own. */
  private readonly lists = new Set<number>();
  private readonly everDefined = new Set<number>();

  constructor(kernel: Kernel, profile: Profile) {
    this.kernel = kernel;
    this.profile = profile;
  }

  run(): void {
    const { kernel } = this;
    const [x, y, z] = kernel.workgroup;
    this.demand(x * y * z <= mostInvocations && z <= 64, `a workgroup of ${kernel.workgroup.join(" x ")}`);
    for (const { size, per } of kernel.grid) {
      this.demand(per >= 1 && Number.isInteger(per), `a grid by ${per}`);
      if (typeof size === "number") this.demand(Math.ceil(size / per) <= this.profile.workgroupsPerDimension, `${Math.ceil(size / per)} workgroups in a dimension`);
    }
    const found = touched(kernel.body);
    this.demand(found.buffers.length === kernel.buffers.length && found.buffers.every((b, k) => kernel.buffers[k] === b), "its buffers are not those it touches, in order");
    this.demand(sameSet(found.reads, kernel.reads) && sameSet(found.writes, kernel.writes), "its reads and writes are not those of its body");
    for (const id of [builtin.workgroupX, builtin.workgroupY, builtin.workgroupZ]) this.uniform.set(id, true);
    for (const id of [builtin.localX, builtin.localY, builtin.localZ]) this.uniform.set(id, false);
    this.stmts(kernel.body, true, true);
    if (kernel.stages) this.stages(kernel.stages);
    const bytes = [...this.arrays.values()].reduce((sum, b) => sum + b, 0);
    this.demand(bytes <= (this.profile.workgroupBytes ?? baseWorkgroupBytes), `${bytes} bytes of workgroup memory`);
  }

  /** One workgroup; between two barriers it touches what the stage lists, and no kernel there waits for another. */
  private stages(stages: readonly Stage[]): void {
    const { kernel } = this;
    this.demand(kernel.grid.every(({ size, per }) => size === 1 && per === 1), "stages in more than one workgroup");
    const parts: KernelStmt[][] = [[]];
    for (const s of kernel.body)
      if (s.kind === "barrier" && s.scope === "storage") parts.push([]);
      else parts.at(-1)?.push(s);
    this.demand(parts.length === stages.length, `${parts.length} parts between barriers for ${stages.length} stages`);
    stages.forEach(({ kernels, reads, writes }, at) => {
      const found = touched(parts[at] ?? []);
      this.demand(sameSet(found.reads, reads) && sameSet(found.writes, writes), `stage ${at + 1} does not read and write what it lists`);
      const sum = (of: "reads" | "writes"): ReadonlySet<Buffer> => new Set(kernels.flatMap((k) => [...k[of]]));
      this.demand(sameSet(sum("reads"), reads) && sameSet(sum("writes"), writes), `stage ${at + 1} does not list what its kernels read and write`);
      const own = kernels.map((k) => ({ read: places(k.reads), written: places(k.writes) }));
      own.forEach((a, k) => {
        for (const b of own.slice(k + 1))
          this.demand(apart(a.written, b.read) && apart(a.written, b.written) && apart(a.read, b.written), `two kernels of stage ${at + 1} touch what one of them writes`);
      });
    });
  }

  private demand(condition: boolean, what: string): void {
    if (!condition) throw new InternalError("verify kernel", `${this.kernel.name} (${this.kernel.family}): ${what}`);
  }

  private stmts(list: readonly KernelStmt[], uniform: boolean, top: boolean): void {
    const before = new Map(this.uniform);
    for (const s of list) this.stmt(s, uniform, top);
    for (const id of [...this.uniform.keys()]) if (!before.has(id)) this.uniform.delete(id);
  }

  private define(id: number, uniform: boolean): void {
    this.demand(id >= 0 && !this.everDefined.has(id), `value ${id} is defined twice`);
    this.everDefined.add(id);
    this.uniform.set(id, uniform);
  }

  private stmt(s: KernelStmt, uniform: boolean, top: boolean): void {
    switch (s.kind) {
      case "let":
        this.define(s.id, this.scalar(s.value));
        return;
      case "var": {
        this.demand(s.dtype === s.init.dtype, `variable ${s.id} starts as ${s.init.dtype}`);
        this.scalar(s.init);
        this.variables.add(s.id);
        // What a variable holds later is not followed.
        this.define(s.id, false);
        return;
      }
      case "assign":
        this.demand(this.variables.has(s.id) && this.uniform.has(s.id), `value ${s.id} is assigned but no variable in sight`);
        this.scalar(s.value);
        return;
      case "load":
        this.index(s.index);
        if (s.guard) this.condition(s.guard);
        this.define(s.id, false);
        return;
      case "store":
        this.index(s.index);
        this.demand(s.value.dtype === s.buffer.dtype, `${s.value.dtype} stored in ${s.buffer.name}`);
        this.scalar(s.value);
        if (s.guard) this.condition(s.guard);
        return;
      case "load4":
        this.index(s.index);
        if (s.guard) this.condition(s.guard);
        for (const id of s.ids) this.define(id, false);
        this.wide(s.buffer.name);
        return;
      case "store4":
        this.index(s.index);
        for (const v of s.values) {
          this.demand(v.dtype === s.buffer.dtype, `${v.dtype} stored in ${s.buffer.name}`);
          this.scalar(v);
        }
        if (s.guard) this.condition(s.guard);
        this.wide(s.buffer.name);
        return;
      case "for": {
        const [from, to] = [this.index(s.from), this.index(s.to)];
        this.demand(s.step >= 1, `a loop by ${s.step}`);
        this.define(s.id, from && to);
        // Lanes that start apart may leave the loop apart.
        this.stmts(s.body, uniform && from && to, false);
        this.uniform.delete(s.id);
        return;
      }
      case "if": {
        const same = this.condition(s.condition);
        this.stmts(s.body, uniform && same, false);
        this.stmts(s.otherwise ?? [], uniform && same, false);
        return;
      }
      case "shared":
        this.demand(top && this.profile.barriers, "workgroup memory where it may not be");
        this.demand(!this.arrays.has(s.name) && s.dtype !== "bool", `workgroup array ${s.name}`);
        this.arrays.set(s.name, s.elements * (s.fours ? 16 : 4));
        if (s.fours) this.inFours.add(s.name);
        return;
      case "read_shared":
        this.demand(this.arrays.has(s.name) && !this.inFours.has(s.name), `no workgroup array ${s.name}`);
        this.index(s.index);
        this.define(s.id, false);
        return;
      case "read_shared4":
        this.demand(this.inFours.has(s.name) && s.ids.length === 4, `no workgroup array ${s.name} in fours`);
        this.index(s.index);
        for (const id of s.ids) this.define(id, false);
        return;
      case "write_shared4":
        this.demand(this.inFours.has(s.name) && s.values.length === 4, `no workgroup array ${s.name} in fours`);
        this.index(s.index);
        for (const v of s.values) this.scalar(v);
        return;
      case "write_shared":
        this.demand(this.arrays.has(s.name) && !this.inFours.has(s.name), `no workgroup array ${s.name}`);
        this.index(s.index);
        this.scalar(s.value);
        return;
      case "array":
        this.demand(s.values.length > 0 && s.values.every((v) => v.dtype === s.dtype), `array ${s.id} of ${s.dtype}`);
        for (const v of s.values) this.scalar(v);
        this.lists.add(s.id);
        this.define(s.id, false);
        return;
      case "element":
        this.demand(this.lists.has(s.array) && this.uniform.has(s.array), `value ${s.array} is no array in sight`);
        this.index(s.index);
        this.define(s.id, false);
        return;
      case "barrier":
        this.demand(this.profile.barriers || (this.kernel.stages !== undefined && s.scope === "storage"), "a barrier where barriers may not be");
        this.demand(uniform, "barrier in control flow that may differ between invocations");
    }
  }

  private wide(buffer: string): void {
    this.demand(this.profile.vector !== undefined, `four elements of ${buffer} in one access, where accesses are of one`);
  }

  private index(s: Scalar): boolean {
    this.demand(s.dtype === "i32", `an index of type ${s.dtype}`);
    return this.scalar(s);
  }

  private condition(s: Scalar): boolean {
    this.demand(s.dtype === "bool", `a condition of type ${s.dtype}`);
    return this.scalar(s);
  }

  /** Checks what a scalar refers to; true when all invocations of a workgroup compute the same. */
  private scalar(s: Scalar): boolean {
    switch (s.kind) {
      case "constant":
        return true;
      case "param": {
        const slot = this.kernel.params[s.slot];
        this.demand(slot !== undefined && slot.dtype === s.dtype, `parameter ${s.slot} is not of type ${s.dtype}`);
        return true;
      }
      case "ref": {
        const known = this.uniform.get(s.id);
        this.demand(known !== undefined && !this.lists.has(s.id), `value ${s.id} is not in sight`);
        return known === true;
      }
      case "op":
      case "call":
        return s.args.map((a) => this.scalar(a)).every((u) => u);
    }
  }
}

/** The buffers of some accesses, parts of an arena by themselves too. */
function places(buffers: ReadonlySet<Buffer>): ReadonlySet<Buffer> {
  return new Set([...buffers].flatMap((buffer) => [buffer, ...partsOf(buffer)]));
}

function apart(a: ReadonlySet<Buffer>, b: ReadonlySet<Buffer>): boolean {
  return [...a].every((x) => !b.has(x));
}

function sameSet<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): boolean {
  return a.size === b.size && [...a].every((x) => b.has(x));
}
