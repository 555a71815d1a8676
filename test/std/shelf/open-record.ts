/**
 * A record as graphs: the call in a model of its own, its results, and the gradient of the sum of all results, each number
 * weighted, by every f32 input and parameter. In: a record. Out: what it gives at a point, from the graph as built and from the
 * simplified one.
 *
 *     const opened = openRecord(record);
 *     opened.at({}).results.v             // Float64Array
 *     opened.at({ x: [[0]] }).gradients.x
 */
import { check } from "../../../src/check/check.ts";
import type { CheckedModel } from "../../../src/check/checked.ts";
import { differentiate } from "../../../src/grad/differentiate.ts";
import { Entry } from "../../../src/graph/build-entry.ts";
import { Builder } from "../../../src/graph/builder.ts";
import { Lowering } from "../../../src/graph/build-lower.ts";
import { evaluate, evaluateNodes, type Surroundings } from "../../../src/graph/eval-graph.ts";
import { topological } from "../../../src/graph/topological.ts";
import { verifyGraph } from "../../../src/graph/verify-graph.ts";
import { rootsOf } from "../../../src/graph/walk.ts";
import * as dims from "../../../src/ir/dims.ts";
import type { Graph, NodeOf, Output } from "../../../src/ir/node.ts";
import type { TensorType } from "../../../src/ir/types.ts";
import type { Tensor64 } from "../../../src/ops/op.ts";
import { normalise } from "../../../src/simplify/normalise.ts";
import { simplify } from "../../../src/simplify/simplify.ts";
import { createLibrary } from "../../../src/std/library.ts";
import { Diagnostics } from "../../../src/support/diagnostic.ts";
import { parse } from "../../../src/syntax/parse.ts";
import { flatten, type Given, type Nested, shapeOf, type ShelfRecord } from "./record.ts";

/** What a call gives at a point. */
export interface Outcome {
  readonly results: Readonly<Record<string, Tensor64>>;
  /** The same from the simplified graph. */
  readonly simplified: Readonly<Record<string, Tensor64>>;
  readonly gradients: Readonly<Record<string, Tensor64>>;
  /** What a step of training stores, by path below the model. */
  readonly updates: Readonly<Record<string, Tensor64>>;
  readonly given: Given;
}

export interface OpenedRecord {
  /** f32 inputs and parameters: what gradients are taken by. */
  readonly differentiable: readonly string[];
  /** The gradients, simplified. */
  readonly gradients: Graph;
  /** `weights`, of the numbers of each result: 1 where a result has none. */
  readonly at: (given: Readonly<Record<string, Nested>>, weights?: (result: string, k: number) => number) => Outcome;
  /** What the gradient by an input or parameter changes by, along a direction in it: a Hessian-vector product. */
  readonly curvature: (name: string, weights: (result: string, k: number) => number, direction: (k: number) => number) => Tensor64;
  /** The weighted sum of all results, from the simplified graph. */
  readonly total: (given: Readonly<Record<string, Nested>>, weights: (result: string, k: number) => number) => number;
}

const library = createLibrary();

/** The program of a record. */
export function programOf(record: ShelfRecord): string {
  const results = record.results ?? ["v"];
  const lines = [
    ...Object.keys(record.inputs).map((declaration) => `input ${declaration}`), ...(record.before === undefined ? [] : [record.before]),
    `${results.join(", ")} = ${record.call}`, ...results.map((r) => `output out_${r} = ${r}`),
  ];
  return `model M {\n${lines.map((l) => `  ${l}\n`).join("")}}\n`;
}

/** Checks the record's program and makes its graphs. Throws with the program's errors. */
export function openRecord(record: ShelfRecord): OpenedRecord {
  const text = programOf(record);
  const diagnostics = new Diagnostics();
  const program = check(parse({ path: "record.dl", text }, diagnostics), { library }, diagnostics);
  const [model] = program?.models ?? [];
  if (!model) throw new Error(`${record.call}: ${diagnostics.list.map((d) => `${d.code} ${d.message}`).join("\n")}\n${text}`);
  const built = buildRecord(model, record);
  verifyGraph(built.graph, { forms: true });
  const whole = simplify.run(differentiate.run(normalise.run(built.graph)));
  verifyGraph(whole);
  const only = (kind: Output["kind"]): Graph => ({ ...whole, outputs: whole.outputs.filter((o) => o.kind === kind), commits: [] });
  // An entry may be a derivative itself, which has a value once it is written out.
  const plain: Graph = differentiate.run({ ...built.graph, outputs: built.graph.outputs.filter((o) => o.kind === "output") });
  const [gradients, simplified] = [only("gradient"), only("output")];
  let curvatures: ReadonlyMap<string, Output> | undefined;
  const around = (given: Readonly<Record<string, Nested>>, weights: (result: string, k: number) => number, direction: (k: number) => number = () => 0): Surroundings =>
    surroundings(model, record, given, { weights, direction });
  return {
    differentiable: built.differentiable, gradients,
    at: (changed, weights = () => 1) => {
      const given = { ...byName(record.inputs), ...record.stored, ...changed };
      const outside = around(given, weights);
      const { outputs, commits } = evaluate(plain, outside);
      const words = (draw: number | string, word: 0 | 1): readonly number[] => wordsOf(record, built.draws, draw, word, outside);
      return {
        results: named(outputs), simplified: named(evaluate(simplified, outside).outputs), gradients: named(evaluate(gradients, outside).outputs),
        updates: Object.fromEntries([...commits].map(([path, value]) => [path.replace(/^M\./, ""), value])),
        given: givenOf(given, record.training === true, words),
      };
    },
    curvature: (name, weights, direction) => {
      curvatures ??= new Map(simplify.run(differentiate.run(normalise.run(built.curvatures))).outputs.map((o) => [o.name, o]));
      const output = curvatures.get(name);
      if (!output) throw new Error(`${record.call} has no gradient by ${name}`);
      const outside = around({ ...byName(record.inputs), ...record.stored }, weights, direction);
      return evaluate({ outputs: [output], commits: [] }, outside).outputs.get(name) as Tensor64;
    },
    total: (changed, weights) => {
      const outside = around({ ...byName(record.inputs), ...record.stored, ...changed }, weights);
      let total = 0;
      for (const [name, { data }] of evaluate(simplified, outside).outputs) total += data.reduce((s, v, k) => s + v * weights(name, k), 0);
      return total;
    },
  };
}

/** By name what is declared. */
export function byName(inputs: ShelfRecord["inputs"]): Record<string, Nested> {
  return Object.fromEntries(Object.entries(inputs).map(([declaration, value]) => [nameOf(declaration), value]));
}

const nameOf = (declaration: string): string => declaration.slice(0, declaration.indexOf(":")).trim();
const named = (values: ReadonlyMap<string, Tensor64>): Record<string, Tensor64> => Object.fromEntries(values);

interface Built {
  readonly graph: Graph;
  /** The Hessian of the weighted sum by each, times a direction in it. */
  readonly curvatures: Graph;
  readonly differentiable: readonly string[];
  readonly draws: readonly NodeOf<"random">[];
}

/** Results, gradients of their weighted sum, and updates, as one graph; `dy` are the weights. */
function buildRecord(model: CheckedModel, record: ShelfRecord): Built {
  const training = record.training === true;
  const entry = new Entry({ training, roots: [...model.outputs, ...model.updates].map((n) => n.value), builder: new Builder() });
  const { builder: e } = entry;
  const lowering = new Lowering(entry);
  const results = model.outputs.map((o): Output => ({ name: o.name.replace(/^out_/, ""), kind: "output", node: lowering.tensor(o.value) }));
  const real = results.filter((r) => r.node.type.dtype === "f32");
  const terms = real.map(({ name, node }) => {
    if (node.type.shape.length === 0) return node;
    const dy = e.leaf({ kind: "input", path: real.length === 1 ? "dy" : `dy ${name}`, type: node.type });
    return e.reduce("sum", e.mul(node, dy), node.type.shape.map((_, a) => a));
  });
  const leaves = [
    ...model.inputs.map((i) => ({ name: i.name, kind: "input" as const, path: i.name, type: i.type })),
    ...model.params.map((p) => ({ name: p.path.replace(/^M\./, ""), kind: "param" as const, path: p.path, type: p.type })),
  ].filter((l) => l.type.dtype === "f32");
  const [first, ...rest] = terms;
  const total = first && rest.reduce((a, b) => e.add(a, b), first);
  const gradients = total ? leaves.map(({ name, kind, path, type }): Output => ({ name, kind: "gradient", node: e.make("derive", { kind: "grad" }, [total, e.leaf({ kind, path, type })]) })) : [];
  const products = total ? leaves.map(({ name, kind, path, type }): Output => ({
    name, kind: "gradient", node: e.make("derive", { kind: "hvp" }, [total, e.leaf({ kind, path, type }), e.leaf({ kind: "input", path: `along ${name}`, type })]),
  })) : [];
  const types = new Map(model.states.map((s) => [s.path, s.type]));
  const commits = training ? model.updates.map((u) => ({ kind: "state" as const, path: u.path, node: lowering.tensor(u.value, types.get(u.path) ?? u.value.type) })) : [];
  const graph = e.finish("predict", [...results, ...gradients], commits);
  const curvatures = e.finish("predict", products, []);
  return { graph, curvatures, differentiable: gradients.map((g) => g.name), draws: topological(rootsOf({ outputs: results, commits })).flatMap((n) => (n.op === "random" ? [n] : [])) };
}

/** What stands in the place of `dy` and of a direction, place by place. */
interface Stand {
  readonly weights: (result: string, k: number) => number;
  readonly direction: (k: number) => number;
}

function surroundings(model: CheckedModel, record: ShelfRecord, given: Readonly<Record<string, Nested>>, { weights, direction }: Stand): Surroundings {
  const tensors = new Map(Object.entries(given).map(([name, x]): [string, Tensor64] => [name, { shape: shapeOf(x), data: Float64Array.from(flatten(x)) }]));
  const sizes: Record<string, number> = {};
  const of = (name: string): Tensor64 => {
    const found = tensors.get(name);
    if (!found) throw new Error(`${record.call}: nothing is given for ${name}; there are ${[...tensors.keys()].join(", ")}`);
    return found;
  };
  for (const { name, type } of model.inputs) {
    const { shape } = of(name);
    type.shape.forEach((dim, a) => {
      const [symbol, ...more] = dims.symbolsOf(dim);
      if (symbol !== undefined && more.length === 0 && dims.evaluate(dim, { [symbol]: 7 }) === 7) sizes[symbol] = shape[a] ?? 0;
    });
  }
  const shaped = (type: TensorType, { shape, data }: Tensor64, name: string): Tensor64 => {
    const wanted = type.shape.map((d) => dims.evaluate(d, sizes));
    if (wanted.reduce((n, d) => n * d, 1) !== data.length) throw new Error(`${record.call}: ${name} is [${shape.join(", ")}], wanted [${wanted.join(", ")}]`);
    return { shape: wanted, data };
  };
  const types = new Map([...model.inputs.map((i) => [i.name, i.type] as const), ...[...model.params, ...model.states].map((s) => [s.path, s.type] as const)]);
  const stored = (path: string): Tensor64 => shaped(types.get(path) as TensorType, of(path.replace(/^M\./, "")), path);
  const dy = (path: string): Tensor64 => {
    const result = path === "dy" ? undefined : path.slice(3);
    const found = model.outputs.find((o) => (result === undefined ? o.value.type.dtype === "f32" : o.name === `out_${result}`));
    const shape = (found?.value.type.shape ?? []).map((d) => dims.evaluate(d, sizes));
    return { shape, data: Float64Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, k) => weights((found?.name ?? "").replace(/^out_/, ""), k)) };
  };
  const along = (name: string): Tensor64 => {
    const { shape, data } = shaped((types.get(name) ?? types.get(`M.${name}`)) as TensorType, of(name), name);
    return { shape, data: data.map((_, k) => direction(k)) };
  };
  return {
    sizes, seed: 1, step: 1, example: 0, stored,
    input: (name) => {
      if (name === "dy" || name.startsWith("dy ")) return dy(name);
      return name.startsWith("along ") ? along(name.slice("along ".length)) : shaped(types.get(name) as TensorType, of(name), name);
    },
    scalar: (kind, name) => (kind === "step" ? 1 : (model.hypers.find((h) => h.name === name)?.value ?? 0)),
  };
}

/** The random words of a draw, draws counted in the order of evaluation; each word as its upper 24 bits, from 0 to 1. */
function wordsOf(record: ShelfRecord, nodes: readonly NodeOf<"random">[], draw: number | string, word: 0 | 1, outside: Surroundings): readonly number[] {
  const paths = [...new Set(nodes.map((n) => n.attrs.path))];
  const path = typeof draw === "number" ? paths[draw] : paths.find((p) => p.endsWith(`.${draw}`));
  const node = nodes.find((n) => n.attrs.path === path && n.attrs.word === word);
  if (!node) throw new Error(`${record.call} has no draw ${draw} with word ${word}; there are ${paths.join(", ")}`);
  const [value] = evaluateNodes([node], outside);
  return Array.from(value?.data ?? [], (w) => Math.floor(w / 256) / 2 ** 24);
}

function givenOf(given: Readonly<Record<string, Nested>>, training: boolean, words: (draw: number | string, word: 0 | 1) => readonly number[]): Given {
  const of = (name: string): Nested => {
    const found = given[name];
    if (found === undefined) throw new Error(`the formula reads ${name}, which is not given`);
    return found;
  };
  return {
    training,
    uniform: (draw) => words(draw, 0),
    normal: (draw) => words(draw, 0).map((u, k) => Math.sqrt(-2 * Math.log(u + 2 ** -24)) * Math.cos(2 * Math.PI * (words(draw, 1)[k] ?? 0))),
    flat: (name) => flatten(of(name)),
    shape: (name) => shapeOf(of(name)),
    rows: (name) => {
      const width = shapeOf(of(name)).at(-1) ?? 1;
      const all = flatten(of(name));
      return Array.from({ length: all.length / width }, (_, r) => all.slice(r * width, (r + 1) * width));
    },
  };
}
