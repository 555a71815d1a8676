/**
 * One element of a graph node as a scalar, by descending through the nodes that have no memory of their own. In: a
 * node, an index over its axes, and the condition under which the element is wanted. Out: a ref, constant or
 * parameter; the statements that compute it are in the builder.
 *
 *     element(add(x, bias), [b, o])   ->   v2 = load x[b*64 + o]; v3 = load bias[o]; v4 = v2 + v3
 *
 * Where the condition is false the value is unspecified, and no load happens.
 */
import type { Buffer } from "../ir/kernel.ts";
import * as dims from "../ir/dims.ts";
import type { Node, NodeOf, OpAttrs, OpName } from "../ir/node.ts";
import { call, constant, op } from "../ir/scalar.ts";
import type { Scalar } from "../ir/scalar.ts";
import { expBelowFunction, mostBelow } from "../ops/functions.ts";
import { table } from "../ops/table.ts";
import { threefryFunctions } from "../ops/threefry.ts";
import { boundsNear } from "../simplify/bounds.ts";
import { InternalError, invariant } from "../support/diagnostic.ts";
import { foldedAxes } from "./cost.ts";
import { addIndex, atom, fixed, keyOf, keyOfIndex, rangeOf, scaleIndex, toScalar } from "./index-form.ts";
import type { Index } from "./index-form.ts";
import { address, atLeast, both, coordinates, flatten, guardOf, isDense, unflatten } from "./index-maps.ts";
import type { Apart } from "./index-maps.ts";
import type { NestBuilder } from "./nest-builder.ts";

/** What a nest finds around it. */
export interface Surroundings {
  /** The memory that a nest may read the node from; undefined when the nest computes it. */
  readonly buffer: (node: Node) => Buffer | undefined;
  /** The axis of the node that lies apart in that memory. */
  readonly apart?: (node: Node) => Apart | undefined;
  /** The host scalar that holds the node's value. */
  readonly host: (node: Node) => number | undefined;
}

/** Asks a nest's builder for the elements of nodes. */
export class Elements {
  private readonly b: NestBuilder;
  private readonly around: Surroundings;

  constructor(builder: NestBuilder, around: Surroundings) {
    this.b = builder;
    this.around = around;
  }

  element(node: Node, index: readonly Index[], when?: Scalar): Scalar {
    const key = `${node.id} ${index.map(keyOfIndex).join(" ")} ${when ? keyOf(when) : ""}`;
    const known = this.b.recall<Scalar>(key);
    if (known) return known;
    const buffer = this.around.buffer(node);
    const value = buffer ? this.read(buffer, address(this.b, node.type.shape, index, this.around.apart?.(node)), when) : this.compute(node, index, when);
    this.b.keep(key, this.b.depthOf(value), value);
    return value;
  }

  private read(buffer: Buffer, at: Index, when: Scalar | undefined): Scalar {
    return this.b.load(buffer, toScalar(at), when);
  }

  private compute(node: Node, index: readonly Index[], when: Scalar | undefined): Scalar {
    const b = this.b;
    const input = (i: number): Node => {
      const x = node.inputs[i];
      invariant(x, "schedule", `${node.op} %${node.id} has no input ${i}`);
      return x;
    };
    const host = this.around.host(node);
    if (host !== undefined) return this.hostScalar(node, host);
    switch (node.op) {
      case "const":
        return this.literal(node, index);
      case "size":
        return b.bind(toScalar(b.size(node.attrs.dim)));
      case "iota":
        return b.bind(toScalar(index[0] ?? fixed(0)));
      case "random":
        return this.random(node, index);
      case "view": {
        const guard = guardOf(b, node.attrs.map.guards, index);
        const value = this.element(input(0), coordinates(b, node.attrs.map, index), both(b, when, guard));
        // A guarded load is 0 by itself.
        if (!guard || this.around.buffer(input(0))) return value;
        return b.bind(op("select", value.dtype, [guard, value, constant(0, value.dtype)]));
      }
      case "reshape": {
        const from = input(0);
        const buffer = this.around.buffer(from);
        if (buffer && !this.around.apart?.(from) && isDense(from.type.shape) && isDense(node.type.shape)) return this.read(buffer, address(b, node.type.shape, index), when);
        return this.element(from, unflatten(b, from.type.shape, flatten(b, node.type.shape, index)), when);
      }
      case "concat":
        return this.concat(node, index, when);
      case "gather": {
        const { batch } = node.attrs;
        const last = batch + input(1).type.shape.length - batch;
        const at = this.bounded(this.element(input(1), index.slice(0, last), when), input(0).type.shape[batch] ?? 1);
        return this.element(input(0), [...index.slice(0, batch), at, ...index.slice(last)], when);
      }
      case "reduce":
      case "argmax":
      case "scatter_sum":
      case "contract":
        return this.fold(node, index, when);
      default: {
        const args = node.inputs.map((x) => this.element(x, index, when));
        return b.bind(formula(node, args));
      }
    }
  }

  /** f32 words hold what the host computes; other types are made from them. */
  private hostScalar(node: Node, host: number): Scalar {
    const word = this.b.param({ kind: "host", index: host }, "f32");
    const { dtype } = node.type;
    if (dtype === "f32") return word;
    if (dtype === "bool") return this.b.bind(op("!=", "bool", [word, constant(0)]));
    return this.b.bind(op("cast", dtype, [word]));
  }

  private literal(node: NodeOf<"const">, index: readonly Index[]): Scalar {
    const { data, type } = node.attrs;
    if (typeof data === "number") return this.number(data, node);
    const flat = this.b.bind(toScalar(flatten(this.b, type.shape, index)));
    const last = data.at(-1) ?? 0;
    if (flat.kind === "constant") return this.number(data[flat.value] ?? last, node);
    return data.slice(0, -1).reduceRight<Scalar>((otherwise, value, at) => {
      const here = op("==", "bool", [flat, constant(at, "i32")]);
      return this.b.bind(op("select", type.dtype, [here, this.number(value, node), otherwise]));
    }, this.number(last, node));
  }

  /** Small round numbers stand in the text; others are parameters, so that kernels that differ by a coefficient are one. */
  private number(value: number, node: Node): Scalar {
    const { dtype } = node.type;
    if (dtype !== "f32" || (Number.isInteger(value * 8) && Math.abs(value) <= 256)) return constant(value, dtype);
    return this.b.param({ kind: "constant", value }, dtype);
  }

  /** Key: seed and stream, folded with each loop iteration. Counter: the step, and the element's number in the logical batch. */
  private random(node: NodeOf<"random">, index: readonly Index[]): Scalar {
    const b = this.b;
    const word = (name: "seed" | "step" | "example"): Scalar => b.param({ kind: "word", word: name }, "u32");
    const words = (key: readonly Scalar[], counter: readonly Scalar[]): readonly Scalar[] =>
      threefryFunctions.map((f) => b.bind(call(f, [...key, ...counter])));
    let key: readonly Scalar[] = [word("seed"), b.param({ kind: "constant", value: node.attrs.hash }, "u32")];
    for (const turn of node.inputs) key = words(key, [b.bind(op("cast", "u32", [this.element(turn, [])])), constant(0, "u32")]);
    const { shape } = node.attrs;
    const [outer] = shape;
    const flat = op("cast", "u32", [toScalar(flatten(b, shape, index))]);
    const inner = op("cast", "u32", [toScalar(b.size(dims.product(shape.slice(1))))]);
    const batched = outer !== undefined && !dims.isStatic(outer);
    const counter = b.bind(batched ? op("add", "u32", [flat, op("mul", "u32", [word("example"), inner])]) : flat);
    return b.bind(call(threefryFunctions[node.attrs.word], [...key, word("step"), counter]));
  }

  private concat(node: NodeOf<"concat">, index: readonly Index[], when: Scalar | undefined): Scalar {
    const { axis } = node.attrs;
    const b = this.b;
    const position = index[axis] ?? fixed(0);
    let start: dims.Dim = 0;
    const parts: { readonly value: Scalar; readonly inside: Scalar | undefined }[] = [];
    for (const part of node.inputs) {
      const own = addIndex(position, scaleIndex(b.size(start), -1));
      const end: dims.Dim = dims.add(start, part.type.shape[axis] ?? 0);
      const left = addIndex(b.size(end), scaleIndex(position, -1));
      start = end;
      if (rangeOf(own)[1] < 0 || rangeOf(left)[1] < 1) continue;
      const before = atLeast(b, left, 1);
      const inside = both(b, atLeast(b, own, 0), before);
      const value = this.element(part, index.map((i, a) => (a === axis ? own : i)), both(b, when, inside));
      parts.push({ value, inside: before });
    }
    const last = parts.pop();
    invariant(last, "schedule", `concat %${node.id} has no part`);
    return parts.reduceRight((rest, p) => (p.inside ? b.bind(op("select", rest.dtype, [p.inside, p.value, rest])) : p.value), last.value);
  }

  /** A loaded index, kept within 0..extent-1 so that no access leaves its tensor. */
  private bounded(at: Scalar, extent: dims.Dim): Index {
    if (extent === 1) return fixed(0);
    const top = addIndex(this.b.size(extent), fixed(-1));
    const low = op("max", "i32", [at, constant(0, "i32")]);
    return atom(this.b.bind(op("min", "i32", [low, toScalar(top)])), 0, rangeOf(top)[1]);
  }

  private depth(index: readonly Index[], when: Scalar | undefined): number {
    const atoms = index.flatMap((i) => i.terms.map((t) => t.atom));
    return [...atoms, ...(when ? [when] : [])].reduce((d, s) => Math.max(d, this.b.depthOf(s)), 0);
  }

  private fold(node: NodeOf<"reduce" | "argmax" | "scatter_sum" | "contract"> & Node, index: readonly Index[], when: Scalar | undefined): Scalar {
    const depth = this.depth(index, when);
    const { dtype } = node.type;
    const [x, y] = node.inputs as readonly [Node, Node | undefined];
    const axes = foldedAxes(node);
    const extents = axes.map((a) => x.type.shape[a] ?? 1);
    switch (node.op) {
      case "reduce": {
        const { kind } = node.attrs;
        const at = (turn: readonly Index[]): readonly Index[] => spread(index, node.attrs.axes, axes, turn, x.type.shape.length);
        if (axes.length === 0 && !y) return this.element(x, at([]), when);
        return first(
          this.b.fold(kind, dtype, axes.length === 0 ? [1] : extents, depth, (turn) => {
            const mask = y && this.element(y, at(turn), when);
            return { value: this.element(x, at(turn), when), ...(mask ? { mask } : {}) };
          }),
        );
      }
      case "argmax": {
        if (axes.length === 0) return constant(0, "i32");
        const results = this.b.fold("argmax", x.type.dtype, extents, depth, (turn) => {
          return { value: this.element(x, spread(index, [node.attrs.axis], axes, turn, x.type.shape.length), when) };
        });
        return results[1] as Scalar;
      }
      case "scatter_sum": {
        invariant(y, "schedule", "scatter_sum without indices");
        const { batch } = node.attrs;
        const from = y.type.shape.slice(batch);
        const bucket = toScalar(index[batch] ?? fixed(0));
        return first(
          this.b.fold("sum", dtype, from.length === 0 ? [1] : from, depth, (turn) => {
            const at = [...index.slice(0, batch), ...turn.slice(0, from.length)];
            const mask = this.b.bind(op("==", "bool", [this.element(y, at, when), bucket]));
            return { value: this.element(x, [...at, ...index.slice(batch + 1)], when), mask };
          }),
        );
      }
      case "contract": {
        invariant(y, "schedule", "contract of one operand");
        const { a, b, out } = node.attrs;
        const summed = axes.map((axis) => a[axis] ?? -1);
        const product = (turn: readonly Index[]): Scalar => {
          const at = (l: number): Index => (out.includes(l) ? index[out.indexOf(l)] : turn[summed.indexOf(l)]) ?? fixed(0);
          return op("mul", dtype, [this.element(x, a.map(at), when), this.element(y, b.map(at), when)]);
        };
        if (summed.length === 0) return this.b.bind(product([]));
        return first(this.b.fold("sum", dtype, extents, depth, (turn) => ({ value: product(turn) })));
      }
    }
  }
}

function first(results: readonly Scalar[]): Scalar {
  return results[0] as Scalar;
}

/** The index over all axes: `gone` vanish, of which the loop runs over `axes`; the others have one element. */
function spread(kept: readonly Index[], gone: readonly number[], axes: readonly number[], turn: readonly Index[], rank: number): readonly Index[] {
  let next = 0;
  return Array.from({ length: rank }, (_, a) => (gone.includes(a) ? turn[axes.indexOf(a)] : kept[next++]) ?? fixed(0));
}

/** The op record's meaning for one element. What is known not to be large has a shorter exponential: that of a softmax, whose largest is subtracted. */
function formula(node: Node, args: readonly Scalar[]): Scalar {
  if (node.op === "exp" && node.inputs[0] && boundsNear(node.inputs[0]).hi <= mostBelow) return call(expBelowFunction, args);
  // The record under a node's own name takes that node's attributes.
  const record = table[node.op] as { readonly scalar?: (attrs: OpAttrs[OpName], args: readonly Scalar[]) => Scalar };
  if (!record.scalar) throw new InternalError("schedule", `${node.op} %${node.id} has no element of its own`);
  return record.scalar(node.attrs, args);
}
