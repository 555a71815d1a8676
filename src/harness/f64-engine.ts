/**
 * Runs a program's entries on the f64 evaluator: the oracle behind the same interface as the device, so any program
 * can be checked against it. Graphs come in simplified but unfused: the program's meaning.
 */
import type { Graph } from "../ir/node.ts";
import { evaluate } from "../graph/eval-graph.ts";
import type { Tensor64 } from "../ops/op.ts";
import { EngineError, type Call, type Engine, type Outcome, type Outputs, type Snapshot, type Values } from "./runtime/engine.ts";
import type { Program, StoredTensor } from "./runtime/program.ts";
import { elementsOf } from "./runtime/sizes.ts";

export interface F64EngineOptions {
  readonly program: Pick<Program, "store" | "inputs">;
  /** The simplified graph of an entry. */
  readonly graphOf: (entry: string) => Graph;
}

export class F64Engine implements Engine {
  readonly backend = "f64";
  private readonly options: F64EngineOptions;
  private readonly tensors: ReadonlyMap<string, StoredTensor>;
  private readonly store = new Map<string, Float64Array>();

  constructor(options: F64EngineOptions) {
    this.options = options;
    this.tensors = new Map(options.program.store.tensors.map((t) => [t.name, t]));
    for (const [path, t] of this.tensors) this.store.set(path, new Float64Array(elementsOf(t.shape, {})));
  }

  async run(entry: string, call: Call): Promise<Outcome> {
    const result = evaluate(this.options.graphOf(entry), {
      sizes: call.live,
      seed: call.seed,
      step: call.step,
      example: call.example,
      input: (name) => this.input(name, call),
      stored: (path) => ({ shape: this.shapeOf(path), data: this.held(path) }),
      scalar: (kind, name) => scalarOf(kind, name, call),
    });
    for (const [path, tensor] of result.commits) this.held(path).set(tensor.data);
    const outputs: Record<string, Outputs[string]> = Object.create(null);
    const graph = this.options.graphOf(entry);
    for (const { name, kind } of graph.outputs) {
      const value = result.outputs.get(name);
      if (value) outputs[name] = { kind, shape: value.shape, data: value.data };
    }
    return { read: async () => outputs };
  }

  private input(name: string, call: Call): Tensor64 {
    const info = this.options.program.inputs.find((i) => i.name === name);
    const values = call.inputs[name];
    if (!info || !values) throw new EngineError("E0503", `the input ${name} is not given`);
    const shape = info.shape.map((d) => elementsOf([d], call.live));
    const wanted = shape.reduce((n, d) => n * d, 1);
    if (values.length !== wanted) throw new EngineError("E0504", `the input ${name} has ${values.length} numbers where ${wanted} are expected`);
    return { shape, data: Float64Array.from(values) };
  }

  private shapeOf(path: string): number[] {
    return (this.tensors.get(path)?.shape ?? []).map((d) => elementsOf([d], {}));
  }

  private held(path: string): Float64Array {
    const data = this.store.get(path);
    if (!data) throw new EngineError("E0505", `there is no parameter or state named ${path}`);
    return data;
  }

  async read(path: string): Promise<Values> {
    return this.held(path).slice();
  }

  write(path: string, data: ArrayLike<number>): void {
    const held = this.held(path);
    if (data.length !== held.length) throw new EngineError("E0504", `${path} has ${held.length} numbers, not ${data.length}`);
    held.set(data);
  }

  async snapshot(): Promise<Snapshot> {
    return new Map([...this.store].map(([path, data]) => [path, data.slice()]));
  }

  restore(snapshot: Snapshot): void {
    for (const [path, data] of snapshot) this.write(path, data);
  }

  close(): void {
    this.store.clear();
  }
}

function scalarOf(kind: string, name: string, call: Call): number {
  const value = kind === "hyper" ? call.scalars.hyper[name] : call.scalars.step[name];
  if (value === undefined) throw new EngineError("E0503", `the scalar ${name} is not given`);
  return value;
}
