/**
 * Gradient rules by themselves: what they give for each operand, linear in the incoming gradient; and particular gradients, where a
 * choice had to be made. Rules in the middle of programs, against central differences: contract.test.ts.
 */
import { describe, expect, it } from "vitest";
import { differentiate } from "../../src/grad/differentiate.ts";
import { Builder } from "../../src/graph/builder.ts";
import type { Node, OpName } from "../../src/ir/node.ts";
import { noPath } from "../../src/ops/op.ts";
import type { OpRecord, Tensor64 } from "../../src/ops/op.ts";
import { table } from "../../src/ops/table.ts";
import { allCases, around, draw, numbers, evaluated } from "./cases.ts";
import { evaluateNodes } from "../../src/graph/eval-graph.ts";

const cases = allCases();
const isFloat = (node: Node | undefined): node is Node => node?.type.dtype === "f32";
/** `stop` has a slope that it hides on purpose; a test of its own below. */
const differentiable = cases.filter((c) => c.op !== "stop" && c.inputs.some((t) => t.dtype === "f32") && typeof (table[c.op] as unknown as OpRecord<OpName>).grad === "function");

describe("rules keep their contract", () => {
  it.each(differentiable.map((c) => [c.title, c] as const))("one entry per operand, of its type or no path, linear in g: %s", (_, c) => {
    const next = numbers(3);
    const builder = new Builder();
    const values = new Map<string, Tensor64>();
    const leaf = (path: string, type: Node["type"], range?: readonly [number, number], diagonal = 0): Node => {
      values.set(path, draw(type, next, range, c.sample.kinks, diagonal));
      return builder.leaf({ kind: "input", path, type });
    };
    const operands = c.inputs.map((type, i) => leaf(`x${i}`, type, c.sample.ranges?.[i], c.sample.diagonal?.[i]));
    const node = builder.make(c.op, c.attrs, operands);
    const rule = (table[c.op] as unknown as OpRecord<OpName>).grad;
    if (typeof rule !== "function") throw new Error("unreachable");
    if (!isFloat(node)) {
      expect(rule(builder, node, builder.scalar(1))).toEqual(operands.map(() => noPath));
      return;
    }
    const [g, h] = [leaf("g", node.type), leaf("h", node.type)];
    const mixed = builder.add(builder.mul(builder.like(g, 2.5), g), builder.neg(h));
    const [atG, atH, atMixed] = [g, h, mixed].map((seed) => rule(builder, node, seed));
    operands.forEach((x, i) => {
      const [a, b, m] = [atG?.[i], atH?.[i], atMixed?.[i]];
      expect(a, `entry ${i}`).toBeDefined();
      if (a === noPath || b === noPath || m === noPath || !a || !b || !m) {
        expect([a, b, m]).toEqual([noPath, noPath, noPath]);
        return;
      }
      expect(a.type).toEqual(x.type);
      const [va, vb, vm] = evaluateNodes([a, b, m], around(values)) as readonly [Tensor64, Tensor64, Tensor64];
      for (const [k, v] of vm.data.entries()) expect(v).toBeCloseTo(2.5 * (va.data[k] as number) - (vb.data[k] as number), 9);
    });
  });
});

describe("particular gradients", () => {
  const scalarGradient = (make: (b: Builder, x: Node) => Node, at: readonly number[]): Float64Array => {
    const builder = new Builder();
    const x = builder.mark(builder.leaf({ kind: "input", path: "x", type: { dtype: "f32", shape: [at.length] } }), "x");
    const value = builder.reduce("sum", make(builder, x), [0]);
    const gradient = builder.make("derive", { kind: "grad" }, [value, x]);
    const [root] = differentiate.run(builder.finish("g", [{ name: "g", kind: "gradient", node: gradient }], [])).outputs;
    return evaluated((root as { node: Node }).node, new Map([["x", { shape: [at.length], data: Float64Array.from(at) }]])).data;
  };

  it("max(x, 0) has slope 0 at 0, on either side of the comma", () => {
    expect([...scalarGradient((b, x) => b.max(x, b.like(x, 0)), [-1, 0, 2])]).toEqual([0, 0, 1]);
    expect([...scalarGradient((b, x) => b.max(b.like(x, 0), x), [-1, 0, 2])]).toEqual([0, 0, 1]);
    expect([...scalarGradient((b, x) => b.max(x, b.broadcast(b.scalar(0), x.type.shape, [])), [-1, 0, 2])]).toEqual([0, 0, 1]);
  });

  it("max(x, y) gives half to each of two equal values", () => {
    expect([...scalarGradient((b, x) => b.max(x, b.const({ dtype: "f32", shape: [3] }, [1, 1, 3])), [0, 1, 4])]).toEqual([0, 0.5, 1]);
  });

  it("reduce max gives all to the first largest in row-major order, over one axis and over several", () => {
    const over = (axes: readonly number[]) => (b: Builder, x: Node): Node => {
      const cube = b.reshape(x, [2, 2, 2]);
      const most = b.reduce("max", cube, axes);
      return b.reshape(b.broadcast(most, [...most.type.shape, 1], most.type.shape.map((_, a) => a)), [most.type.shape.reduce<number>((n, d) => n * Number(d), 1)]);
    };
    expect([...scalarGradient(over([0, 1, 2]), [1, 5, 5, 0, 5, 2, 2, 5])]).toEqual([0, 1, 0, 0, 0, 0, 0, 0]);
    // Axes 0 and 2, for each j: the elements [0, j, 0], [0, j, 1], [1, j, 0], [1, j, 1] in this order.
    expect([...scalarGradient(over([0, 2]), [1, 5, 3, 3, 5, 2, 3, 3])]).toEqual([0, 1, 1, 0, 0, 0, 0, 0]);
    expect([...scalarGradient(over([0]), [1, 5, 3, 4, 1, 6, 2, 4])]).toEqual([1, 0, 1, 1, 0, 1, 0, 0]);
  });

  it("what a select did not choose never reaches a gradient, even where its own slope is infinite", () => {
    const found = scalarGradient((b, x) => b.select(b.compare(">", x, b.like(x, 0)), b.sqrt(x), b.mul(x, b.like(x, 3))), [4, 0, -1]);
    expect([...found]).toEqual([0.25, 3, 3]);
  });

  it("the slope of elu far out is 1, though the branch not taken overflows", () => {
    const elu = (b: Builder, x: Node): Node => b.select(b.compare(">=", x, b.like(x, 0)), x, b.mul(b.like(x, 2), b.sub(b.exp(x), b.like(x, 1))));
    expect([...scalarGradient(elu, [1000, -1])]).toEqual([1, 2 * Math.exp(-1)]);
  });

  it("nothing flows through stop", () => {
    expect([...scalarGradient((b, x) => b.mul(x, b.stop(b.mul(x, x))), [2, 3])]).toEqual([4, 9]);
  });

  it("an operand used twice, and twice again, collects every path", () => {
    const found = scalarGradient((b, x) => {
      const square = b.mul(x, x);
      return b.add(b.mul(square, square), b.mul(x, b.sin(square)));
    }, [0.7, -1.2]);
    for (const [k, v] of [0.7, -1.2].entries()) expect(found[k]).toBeCloseTo(4 * v ** 3 + Math.sin(v * v) + 2 * v * v * Math.cos(v * v), 12);
  });

  it("x^0 and x^1 are never taken as powers of a slope", () => {
    expect([...scalarGradient((b, x) => b.pow(x, 1), [0, -3])]).toEqual([1, 1]);
    expect([...scalarGradient((b, x) => b.pow(x, 0), [0, -3])]).toEqual([0, 0]);
    expect([...scalarGradient((b, x) => b.pow(x, 2), [0, -3])]).toEqual([0, -6]);
  });

  it("a gather on a batch axis alone has a select as its gradient, so that softmax - onehot can be seen", () => {
    const b = new Builder();
    const x = b.leaf({ kind: "input", path: "x", type: { dtype: "f32", shape: [3, 4] } });
    const y = b.leaf({ kind: "input", path: "y", type: { dtype: "i32", shape: [3] } });
    const node = b.gather(x, y, 1);
    const g = b.leaf({ kind: "input", path: "g", type: node.type });
    const [toX, toY] = table.gather.grad instanceof Function ? table.gather.grad(b, node as Extract<Node, { op: "gather" }>, g) : [];
    expect(toY).toBe(noPath);
    expect((toX as Node).op).toBe("select");
  });
});
