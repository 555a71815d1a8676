/** One training step of the XOR network, written out by hand: forward, gradients, status, predicated updates. */
import * as dims from "../../src/ir/dims.ts";
import type { Commit, Graph, Node } from "../../src/ir/node.ts";
import { Builder } from "../../src/graph/builder.ts";

export function xorStep(): Graph {
  const e = new Builder();
  const N = dims.sym("N");
  const f32 = (...shape: dims.Dim[]) => ({ dtype: "f32" as const, shape });
  const input = (path: string, width: number): Node => e.leaf({ kind: "input", path, type: f32(N, width) });
  const param = (path: string, ...shape: number[]): Node => e.leaf({ kind: "param", path, type: f32(...shape) });
  const x = input("x", 2);
  const t = input("t", 1);
  const rate = e.leaf({ kind: "hyper", path: "lr", type: f32() });
  const params = { w1: param("w1", 2, 4), c1: param("c1", 4), w2: param("w2", 4, 1), c2: param("c2", 1) };
  const { w1, c1, w2, c2 } = params;
  const size = e.cast(e.size(N), "f32");

  const h = e.make("tanh", {}, [e.add(e.contract(x, w1, [0, 1], [1, 2], [0, 2]), e.broadcast(c1, [N, 4], [1]))]);
  const z = e.add(e.contract(h, w2, [0, 1], [1, 2], [0, 2]), e.broadcast(c2, [N, 1], [1]));
  const positive = e.max(z, e.like(z, 0));
  const tail = e.make("log1p", {}, [e.exp(e.neg(e.max(z, e.neg(z))))]);
  const loss = e.div(e.reduce("sum", e.add(e.sub(positive, e.mul(z, t)), tail), [0, 1]), size);

  const dz = e.mul(e.sub(e.sigmoid(z), t), e.broadcast(e.div(e.scalar(1), size), [N, 1], []));
  const dh = e.contract(dz, w2, [0, 1], [2, 1], [0, 2]);
  const da = e.mul(dh, e.sub(e.like(h, 1), e.mul(h, h)));
  const gradients: Readonly<Record<keyof typeof params, Node>> = {
    w1: e.contract(x, da, [0, 1], [0, 2], [1, 2]),
    c1: e.reduce("sum", da, [0]),
    w2: e.contract(h, dz, [0, 1], [0, 2], [1, 2]),
    c2: e.reduce("sum", dz, [0]),
  };

  const whole = (g: Node): Node => e.reduce("all", e.finite(g), g.type.shape.map((_, a) => a));
  const status = e.leaf({ kind: "state", path: "status", type: { dtype: "u32", shape: [] } });
  const fine = Object.values(gradients).reduce((all, g) => e.logic("and", all, whole(g)), e.finite(loss));
  const open = e.logic("and", fine, e.compare("==", status, e.scalar(0, "u32")));
  const next = e.select(open, status, e.scalar(1, "u32"));
  const updates = (Object.keys(params) as (keyof typeof params)[]).map((path): Commit => {
    const p = params[path];
    const moved = e.sub(p, e.mul(e.broadcast(rate, p.type.shape, []), gradients[path]));
    return { kind: "param", path, node: e.select(e.broadcast(open, p.type.shape, []), moved, p) };
  });
  return e.finish("step", [{ name: "loss", kind: "loss", node: loss }, { name: "status", kind: "status", node: next }], [...updates, { kind: "state", path: "status", node: next }]);
}
