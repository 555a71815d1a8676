/**
 * A call of an entry as the evaluator takes it: leaves by name, sizes, words of the run. In: what a program declares, what is
 * stored, the call. Out: surroundings, whose questions throw an EngineError E0503, E0504 or E0505 where there is no answer.
 *
 *     evaluate(graph, surroundingsOf(program.info, (path) => held.get(path), call))
 */
import type { Surroundings } from "../graph/eval-graph.ts";
import { EngineError, type Call, type Values } from "./runtime/engine.ts";
import type { Program } from "./runtime/program.ts";
import { elementsOf } from "./runtime/sizes.ts";

/** The evaluator's view of a call. */
export function surroundingsOf(program: Pick<Program, "store">, held: (path: string) => Values | undefined, call: Call): Surroundings {
  const shapes = new Map(program.store.tensors.map((t) => [t.name, t.shape]));
  return {
    sizes: call.live,
    seed: call.seed,
    step: call.step,
    example: call.example,
    input: (name, type) => {
      const values = call.inputs[name];
      if (!values) throw new EngineError("E0503", `the input ${name} is not given`);
      const shape = type.shape.map((d) => elementsOf([d], call.live));
      const wanted = shape.reduce((n, d) => n * d, 1);
      if (values.length !== wanted) throw new EngineError("E0504", `the input ${name} has ${values.length} numbers where ${wanted} are expected`);
      return { shape, data: Float64Array.from(values) };
    },
    stored: (path) => {
      const values = held(path);
      if (!values) throw new EngineError("E0505", `there is no parameter or state named ${path}`);
      return { shape: (shapes.get(path) ?? []).map((d) => elementsOf([d], {})), data: values instanceof Float64Array ? values : Float64Array.from(values) };
    },
    scalar: (kind, name) => {
      const value = kind === "hyper" ? call.scalars.hyper[name] : call.scalars.step[name];
      if (value === undefined) throw new EngineError("E0503", `the scalar ${name} is not given`);
      return value;
    },
  };
}
