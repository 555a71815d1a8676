/**
 * The interface through which nodes are made: by build, by gradient rules, by rewrites. One abstract `make`;
 * everything else is notation for it. Elementwise operands must have equal shapes; `like` and `broadcast`
 * bring them there.
 *
 *     e.mul(g, e.add(e.like(x, 1), e.neg(out)))       // g * (1 - out)
 */
import * as access from "./access.ts";
import type { AccessMap } from "./access.ts";
import type { Dim } from "./dims.ts";
import type { Node, NodeOf, OpAttrs, OpName, ReduceKind, Relation } from "./node.ts";
import type { DType, TensorType } from "./types.ts";
import { tensor } from "./types.ts";

export abstract class Emit {
  /** Makes (or finds) a node; throws an InternalError when the op's type rule refuses. */
  abstract make<K extends OpName>(op: K, attrs: OpAttrs[K], inputs: readonly Node[]): NodeOf<K> & Node;

  /** The same node over other inputs, which have the types of those that it has. */
  abstract again(node: Node, inputs: readonly Node[]): Node;

  /** The node, if there is one. */
  abstract known<K extends OpName>(op: K, attrs: OpAttrs[K], inputs: readonly Node[]): Node | undefined;

  /** True for a node that was made here. */
  abstract owns(node: Node): boolean;

  const(type: TensorType, data: number | readonly number[]): Node {
    return this.make("const", { type, data }, []);
  }
  /** A splat with the type of `x`. */
  like(x: Node, value: number): Node {
    return this.const(x.type, value);
  }
  scalar(value: number, dtype: DType = "f32"): Node {
    return this.const(tensor(dtype, []), value);
  }
  leaf(attrs: OpAttrs["leaf"]): Node {
    return this.make("leaf", attrs, []);
  }
  size(dim: Dim): Node {
    return this.make("size", { dim }, []);
  }
  iota(extent: Dim): Node {
    return this.make("iota", { extent }, []);
  }

  neg(x: Node): Node {
    return this.make("neg", {}, [x]);
  }
  exp(x: Node): Node {
    return this.make("exp", {}, [x]);
  }
  log(x: Node): Node {
    return this.make("log", {}, [x]);
  }
  sqrt(x: Node): Node {
    return this.make("sqrt", {}, [x]);
  }
  sin(x: Node): Node {
    return this.make("sin", {}, [x]);
  }
  cos(x: Node): Node {
    return this.make("cos", {}, [x]);
  }
  sigmoid(x: Node): Node {
    return this.make("sigmoid", {}, [x]);
  }
  not(x: Node): Node {
    return this.make("not", {}, [x]);
  }
  finite(x: Node): Node {
    return this.make("finite", {}, [x]);
  }

  add(x: Node, y: Node): Node {
    return this.make("add", {}, [x, y]);
  }
  /** x + (-y): subtraction is no primitive. */
  sub(x: Node, y: Node): Node {
    return this.add(x, this.neg(y));
  }
  mul(x: Node, y: Node): Node {
    return this.make("mul", {}, [x, y]);
  }
  div(x: Node, y: Node): Node {
    return this.make("div", {}, [x, y]);
  }
  max(x: Node, y: Node): Node {
    return this.make("max", {}, [x, y]);
  }
  pow(x: Node, exponent: number): Node {
    return this.make("pow", { exponent }, [x]);
  }
  compare(relation: Relation, x: Node, y: Node): Node {
    return this.make("compare", { relation }, [x, y]);
  }
  logic(kind: "and" | "or", x: Node, y: Node): Node {
    return this.make("logic", { kind }, [x, y]);
  }
  select(condition: Node, then: Node, otherwise: Node): Node {
    return this.make("select", {}, [condition, then, otherwise]);
  }
  cast(x: Node, to: DType): Node {
    return x.type.dtype === to ? x : this.make("cast", { to }, [x]);
  }
  stop(x: Node): Node {
    return this.make("stop", {}, [x]);
  }
  mark(x: Node, id: string): Node {
    return this.make("mark", { id }, [x]);
  }

  reduce(kind: ReduceKind, x: Node, axes: readonly number[], mask?: Node): Node {
    if (axes.length === 0 && !mask) return x;
    return this.make("reduce", { kind, axes: [...axes].sort((a, b) => a - b) }, mask ? [x, mask] : [x]);
  }
  argmax(x: Node, axis: number): Node {
    return this.make("argmax", { axis }, [x]);
  }
  /** Labels may be any numbers; they are renumbered by first use. */
  contract(x: Node, y: Node, a: readonly number[], b: readonly number[], out: readonly number[]): Node {
    const order = new Map<number, number>();
    for (const l of [...a, ...b]) if (!order.has(l)) order.set(l, order.size);
    const renumber = (labels: readonly number[]): number[] => labels.map((l) => order.get(l) ?? -1);
    return this.make("contract", { a: renumber(a), b: renumber(b), out: renumber(out) }, [x, y]);
  }

  view(x: Node, map: AccessMap): Node {
    return access.isIdentity(map, x.type.shape) ? x : this.make("view", { map }, [x]);
  }
  /** out axis a is x's axis order[a]. */
  transpose(x: Node, order: readonly number[]): Node {
    const rank = order.length;
    const index = x.type.shape.map((_, axis) => access.whole(access.unit(order.indexOf(axis), rank)));
    return this.view(x, { shape: order.map((a) => x.type.shape[a] as Dim), index, guards: [] });
  }
  /** Spreads x to `shape`; `axes[a]` is the output axis of x's axis a (others are new), which must have x's extent. */
  broadcast(x: Node, shape: readonly Dim[], axes: readonly number[]): Node {
    const index = axes.map((axis) => access.whole(access.unit(axis, shape.length)));
    return this.view(x, { shape, index, guards: [] });
  }
  reshape(x: Node, shape: readonly Dim[]): Node {
    return this.make("reshape", { shape }, [x]);
  }
  concat(parts: readonly Node[], axis: number): Node {
    return this.make("concat", { axis }, parts);
  }
  gather(x: Node, idx: Node, batch: number): Node {
    return this.make("gather", { batch }, [x, idx]);
  }
  scatterSum(g: Node, idx: Node, batch: number, size: number): Node {
    return this.make("scatter_sum", { batch, size }, [g, idx]);
  }
  pick(loop: Node, index: number): Node {
    return this.make("pick", { index }, [loop]);
  }
}
