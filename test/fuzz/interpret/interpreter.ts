/**
 * A machine that runs placed kernels on the processor in f64, without a device or a text of WGSL: what scheduling, binding, stages and
 * placement make of a graph is compared with its formula to rounding in f64. The first run goes forwards over memory of NaN, the second
 * one backwards over memory of large numbers, so that what a device may do in either order, or find in memory, shows in one of them.
 *
 *     await checkCase(interpreter, recipe, choice)
 */
import type { Call, Values } from "../../../src/harness/runtime/engine.ts";
import { evaluateHost } from "../../../src/harness/runtime/host.ts";
import type { Word } from "../../../src/harness/runtime/program.ts";
import { elementsOf, sizeOf } from "../../../src/harness/runtime/sizes.ts";
import { gatherLive, spreadLive } from "../../../src/harness/runtime/strided.ts";
import type { Buffer } from "../../../src/ir/kernel.ts";
import { type PlacedKernel, slabNames, slabOf } from "../../../src/memory/placement.ts";
import type { Tensor64 } from "../../../src/ops/op.ts";
import type { Leaves } from "../leaves.ts";
import { evaluateNoisy } from "../noise.ts";
import { lowerVariant, type Lowered } from "../lower-variant.ts";
import type { Machine, Results } from "../machine.ts";
import { Memory, poisons } from "./memory.ts";
import { inStep, type Make, type Order, type Run, runnable } from "./run-kernel.ts";

const orders: readonly Order[] = ["forwards", "backwards"];

export const interpreter: Machine = {
  inStep,
  // Sums in another order and formulas rewritten: a few roundings of f64, and of what f32 does with them as small a part as its rounding is larger.
  room: { floor: 1e-9, spread: 1e-6, rounds: 2 },
  run: async (graph, variant, capacity, call) => {
    const made = lowerVariant(graph, variant, capacity, (_, at) => String(at));
    return made ? new Interpreter(made).twice(call) : [];
  },
  suspect: async (graph, variant, capacity, leaves) => {
    const made = lowerVariant(graph, variant, capacity, (_, at) => String(at));
    return made ? suspectIn(made, leaves) : "not compiled";
  },
};

/** Runs of one entry over one memory. */
class Interpreter {
  private readonly made: Lowered;
  private readonly memory: Memory;
  private readonly texts = new Map<string, Make>();
  private readonly runs: readonly Run[];

  constructor(made: Lowered) {
    this.made = made;
    this.memory = new Memory({ ...made.memory.slabs, store: made.store.bytes });
    this.runs = made.memory.kernels.map(({ kernel }) => runnable(kernel, this.texts));
  }

  /** What is stored before the first run. */
  fill(call: Call): void {
    this.memory.spoil(Number.NaN, ["store"]);
    for (const t of this.made.store.tensors) this.memory.put(0, t.offset, call.inputs[t.name] ?? []);
  }

  twice(call: Call): readonly Results[] {
    this.fill(call);
    return orders.map((order, k) => {
      this.once(call, order, poisons[k] as number, () => {});
      return this.results(call);
    });
  }

  /** One run; `after` is told of each dispatch that is done. */
  once(call: Call, order: Order, poison: number, after: (dispatch: number) => void): void {
    const { plan } = this.made.entry;
    this.memory.spoil(poison, ["inputs", "outputs", "temps"]);
    for (const i of plan.inputs) this.memory.put(i.slab, i.offset, spreadLive(call.inputs[i.name] as Values, i.shape, call.live, plan.capacity));
    const host = evaluateHost(plan.host, call.scalars, call.live);
    plan.block.forEach((d, at) => {
      const [placed, run] = [this.made.memory.kernels[at], this.runs[at]];
      if (d.kind !== "dispatch" || !placed || !run) throw new Error(`dispatch ${at} has no kernel`);
      const params = d.words.map((w) => valueOf(w, call, host));
      const [x = 1, y = 1, z = 1] = d.grid.map(({ size, per }) => Math.max(1, Math.ceil(sizeOf(size, call.live) / per)));
      this.memory.begin(placed.kernel, placed.placement, params);
      run(this.memory, params, [x, y, z], order);
      after(at);
    });
  }

  /** The live numbers of a buffer. */
  live(buffer: Buffer, offset: number, call: Call): Values {
    const { capacity } = this.made.entry.plan;
    return gatherLive(this.memory.get(slabNames.indexOf(slabOf(buffer.place)), offset, buffer.elements), buffer.shape, call.live, capacity);
  }

  private results(call: Call): Results {
    const { entry: { plan }, store } = this.made;
    const outputs = plan.outputs.map((o): [string, Values] => [o.name, gatherLive(this.memory.get(o.slab, o.offset, elementsOf(o.shape, plan.capacity)), o.shape, call.live, plan.capacity)]);
    return Object.fromEntries([...outputs, ...store.tensors.map((t): [string, Values] => [t.name, this.memory.get(0, t.offset, elementsOf(t.shape, {}))])]);
  }
}

function valueOf(w: Word, call: Call, host: Float64Array): number {
  switch (w.kind) {
    case "size": return sizeOf(w.size, call.live);
    case "host": return host[w.index] as number;
    case "word": return call[w.word] >>> 0;
    default: return w.value;
  }
}

/** The first buffer that does not hold what its formula says when its kernel is done, in the order of each run. */
function suspectIn(made: Lowered, { around, call }: Leaves): string {
  const { nests, memory: { kernels, offsets } } = made;
  for (const [k, order] of orders.entries()) {
    const interpreter = new Interpreter(made);
    interpreter.fill(call);
    let said: string | undefined;
    interpreter.once(call, order, poisons[k] as number, (dispatch) => {
      const kernel = (kernels[dispatch] as PlacedKernel).kernel;
      for (const buffer of kernel.writes) {
        const [node, offset] = [nests.holds.get(buffer), offsets.get(buffer)];
        if (said !== undefined || !node || offset === undefined || buffer.elements === 0) continue;
        const [wanted] = evaluateNoisy([node], around, undefined) as [Tensor64];
        const found = interpreter.live(buffer, offset, call);
        const at = wanted.data.findIndex((w, i) => !(Math.abs((found[i] ?? Number.NaN) - w) <= 1e-6 * Math.max(1, Math.abs(w))));
        if (at >= 0) said = `${order}, dispatch ${dispatch}, ${kernel.name} (${kernel.family}), ${node.op} in ${buffer.name} at ${at} of [${wanted.shape.join(", ")}]: ${found[at]} instead of ${wanted.data[at]}`;
      }
    });
    if (said !== undefined) return said;
  }
  return "no kernel differs by itself";
}
