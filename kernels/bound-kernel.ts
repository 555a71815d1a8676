/**
 * A kernel as a family hands it over. Comes in: a builder with parameters, a launch, a body. Goes out: the kernel with its
 * buffers listed in order of first use, how many workgroups it has, and a way to make it again with another workgroup width.
 */
import type { Buffer, Kernel, KernelStmt, Nest } from "../src/ir/kernel.ts";
import { dropUnused } from "./drop-unused.ts";
import type { KernelBuilder } from "./kernel-builder.ts";
import type { LinearLaunch } from "./launch.ts";
import { mergeAccesses } from "./merge-accesses.ts";

/** Every buffer that statements touch, in order of first use. */
export function touched(body: readonly KernelStmt[]): { readonly buffers: readonly Buffer[]; readonly reads: ReadonlySet<Buffer>; readonly writes: ReadonlySet<Buffer> } {
  const reads = new Set<Buffer>();
  const writes = new Set<Buffer>();
  const all = new Set<Buffer>();
  const visit = (stmts: readonly KernelStmt[]): void => {
    for (const s of stmts) {
      if (s.kind === "load" || s.kind === "load4") {
        all.add(s.buffer);
        reads.add(s.buffer);
      } else if (s.kind === "store" || s.kind === "store4") {
        all.add(s.buffer);
        writes.add(s.buffer);
      } else if (s.kind === "for") visit(s.body);
      else if (s.kind === "if") {
        visit(s.body);
        visit(s.otherwise ?? []);
      }
    }
  };
  visit(body);
  return { buffers: [...all], reads, writes };
}

/** A kernel as a family makes it. */
export interface BoundKernel extends Kernel {
  /** Workgroups at capacity. */
  readonly workgroups: number;
  /** The same kernel with another number of invocations a workgroup; absent where it is fixed, or the grid is no line. */
  readonly rebind?: (width: number) => BoundKernel;
}

/** What `finish` puts around a body. */
export interface Frame {
  readonly family: string;
  readonly width: number;
  readonly launch: LinearLaunch;
  readonly rebind?: (width: number) => BoundKernel;
  /** False where what an invocation does depends on how wide workgroups are. */
  readonly inLine?: boolean;
}

/** A kernel of one nest. */
export function finish(b: KernelBuilder, nest: Nest, { family, width, launch, rebind, inLine = rebind !== undefined }: Frame, body: readonly KernelStmt[]): BoundKernel {
  const used = dropUnused(b.vector ? mergeAccesses(body) : body);
  return {
    name: nest.name, family, workgroup: [width, 1, 1], grid: launch.grid, ...touched(used), params: b.params, body: used, nests: [nest],
    workgroups: launch.workgroups, ...(rebind && launch.isLine && { rebind }), ...(inLine && launch.isLine && { inLine: true as const }),
  };
}
