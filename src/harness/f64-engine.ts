/**
 * Runs a program's entries on the f64 evaluator: the oracle behind the same interface as the device, so any program
 * can be checked against it. Graphs come in simplified but unfused: the program's meaning.
 */
import type { Graph } from "../ir/node.ts";
import { evaluate } from "../graph/eval-graph.ts";
import { EngineError, type Call, type Engine, type Outcome, type Outputs, type Snapshot, type Values } from "./runtime/engine.ts";
import type { Program, StoredTensor } from "./runtime/program.ts";
import { elementsOf } from "./runtime/sizes.ts";
import { surroundingsOf } from "./surroundings.ts";

export interface F64EngineOptions {
  readonly program: Pick<Program, "store">;
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
    const result = evaluate(this.options.graphOf(entry), surroundingsOf(this.options.program, (path) => this.held(path), call));
    for (const [path, tensor] of result.commits) this.held(path).set(tensor.data);
    const outputs: Record<string, Outputs[string]> = Object.create(null);
    const graph = this.options.graphOf(entry);
    for (const { name, kind } of graph.outputs) {
      const value = result.outputs.get(name);
      if (value) outputs[name] = { kind, shape: value.shape, data: value.data };
    }
    return { read: async () => outputs };
  }

  /** Nothing is made before a run. */
  prepare(): void {}

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
