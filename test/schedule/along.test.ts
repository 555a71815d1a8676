/** Running sums, orders and matrices as nests: the schedule computes what the graph says, at sizes around its blocks and live sizes below capacity. */
import { describe, expect, it } from "vitest";
import { Builder } from "../../src/graph/builder.ts";
import * as dims from "../../src/ir/dims.ts";
import type { Dim } from "../../src/ir/dims.ts";
import type { Graph, Node } from "../../src/ir/node.ts";
import { schedule } from "../../src/schedule/schedule.ts";
import { printSchedule } from "../../src/schedule/print-schedule.ts";
import { combinations, expectAgreement, profile } from "./agree.ts";

const N = dims.sym("N");

function graphOf(make: (b: Builder, leaf: (path: string, shape: readonly Dim[], dtype?: "f32" | "i32") => Node) => Node): Graph {
  const b = new Builder();
  const node = make(b, (path, shape, dtype = "f32") => b.leaf({ kind: "input", path, type: { dtype, shape } }));
  return b.finish("evaluate", [{ name: "y", kind: "output", node }], []);
}

const triangle = (b: Builder, x: Node, diagonal: number): Node => {
  const { shape } = x.type;
  const place = (a: number): Node => b.broadcast(b.iota(shape[a] as Dim), shape, [a]);
  return b.select(b.compare("==", place(shape.length - 2), place(shape.length - 1)), b.like(x, diagonal), b.mul(x, b.like(x, 0.3)));
};

describe("running sums", () => {
  const ways = [false, true].flatMap((reverse) => [false, true].map((exclusive) => ({ reverse, exclusive })));
  for (const way of ways)
    for (const length of [1, 2, 63, 64, 128, 129, 500])
      it(`${JSON.stringify(way)} along ${length}`, () => {
        expectAgreement(graphOf((b, leaf) => b.make("cumsum", { axis: 1, ...way }, [leaf("x", [2, length, 3])])));
        expectAgreement(graphOf((b, leaf) => b.make("cumsum", { axis: 0, ...way }, [b.sin(leaf("x", [length]))])));
      });

  it("of a length that data decides, of integers, and of more than one level of blocks", () => {
    for (const way of ways) {
      expectAgreement(graphOf((b, leaf) => b.make("cumsum", { axis: 0, ...way }, [leaf("x", [N, 3])])), { sizes: { N: 5 }, capacity: { N: 9 } });
      expectAgreement(graphOf((b, leaf) => b.make("cumsum", { axis: 1, ...way }, [leaf("x", [N, 4], "i32")])), { sizes: { N: 5 }, capacity: { N: 9 } });
      expectAgreement(graphOf((b, leaf) => b.make("cumsum", { axis: 0, ...way }, [leaf("x", [9001])])));
    }
  });

  it("committed in place", () => {
    for (const way of ways) {
      const b = new Builder();
      const s = b.leaf({ kind: "state", path: "s", type: { dtype: "f32", shape: [3, 5] } });
      const sum = b.make("cumsum", { axis: 1, ...way }, [s]);
      expectAgreement(b.finish("step", [{ name: "y", kind: "output", node: b.reduce("sum", sum, [0, 1]) }], [{ kind: "state", path: "s", node: sum }]));
      expectAgreement(b.finish("step", [{ name: "y", kind: "output", node: sum }], [{ kind: "state", path: "s", node: sum }]));
    }
  });
});

describe("orders", () => {
  for (const descending of [false, true])
    for (const length of [1, 2, 3, 16, 17, 64, 65, 100, 129, 260])
      it(`${descending ? "descending" : "ascending"} of ${length}, with ties`, () => {
        expectAgreement(graphOf((b, leaf) => b.make("argsort", { axis: 1, descending }, [leaf("x", [2, length])])));
        expectAgreement(graphOf((b, leaf) => b.make("argsort", { axis: 0, descending }, [leaf("k", [length, 2], "i32")])));
      });

  it("of a length that data decides", () => {
    for (const [live, most] of [[1, 9], [7, 9], [9, 9], [1, 150], [64, 150], [70, 150], [150, 150]] as const) {
      const graph = graphOf((b, leaf) => b.make("argsort", { axis: 0, descending: live % 2 === 0 }, [leaf("x", [N])]));
      expectAgreement(graph, { sizes: { N: live }, capacity: { N: most } });
    }
  });

  it("takes a pass for each doubling, few kernels each", () => {
    const graph = graphOf((b, leaf) => b.make("argsort", { axis: 0, descending: false }, [leaf("x", [1024])]));
    expect(schedule(graph, { capacity: {}, profile }).nests.length).toBeLessThan(60);
  });
});

describe("matrices", () => {
  for (const n of [1, 2, 3, 17, 33]) {
    it(`cholesky of ${n}`, () => {
      expectAgreement(graphOf((b, leaf) => b.make("cholesky", {}, [triangle(b, leaf("a", [2, n, n]), n)])));
    });
    for (const lower of [true, false])
      it(`triangular solve ${lower ? "lower" : "upper"} of ${n}`, () => {
        expectAgreement(graphOf((b, leaf) => b.make("triangular_solve", { lower }, [triangle(b, leaf("a", [2, n, n]), n), leaf("b", [2, n, 3])])));
        expectAgreement(graphOf((b, leaf) => b.make("triangular_solve", { lower }, [triangle(b, leaf("a", [n, n]), n), b.sin(leaf("b", [n, 1]))])));
      });
  }

  it("a batch, and a size, that data decides", () => {
    expectAgreement(graphOf((b, leaf) => b.make("cholesky", {}, [triangle(b, leaf("a", [N, 4, 4]), 4)])), { sizes: { N: 3 }, capacity: { N: 5 } });
    expectAgreement(graphOf((b, leaf) => b.make("cholesky", {}, [triangle(b, leaf("a", [N, N]), 6)])), { sizes: { N: 3 }, capacity: { N: 5 } });
    for (const lower of [true, false])
      expectAgreement(graphOf((b, leaf) => b.make("triangular_solve", { lower }, [triangle(b, leaf("a", [N, N]), 6), leaf("b", [N, 2])])), { sizes: { N: 3 }, capacity: { N: 5 } });
  });

  it("under every combination of switches, and committed over its own operand", () => {
    for (const off of combinations) {
      const b = new Builder();
      const [p, q] = [b.leaf({ kind: "state", path: "p", type: { dtype: "f32", shape: [4, 4] } }), b.leaf({ kind: "state", path: "q", type: { dtype: "f32", shape: [4, 4] } })];
      const l = b.make("cholesky", {}, [triangle(b, p, 4)]);
      const x = b.make("triangular_solve", { lower: true }, [l, q]);
      const y = b.make("triangular_solve", { lower: false }, [triangle(b, p, 2), q]);
      const graph = b.finish("step", [{ name: "y", kind: "output", node: b.reduce("sum", b.mul(x, y), [0, 1]) }], [{ kind: "state", path: "p", node: l }, { kind: "state", path: "q", node: x }]);
      expectAgreement(graph, { off });
    }
  });

  it("prints its turns", () => {
    expect(printSchedule(schedule(graphOf((b, leaf) => b.make("cholesky", {}, [leaf("a", [3, 3])])), { capacity: {}, profile }))).toMatchInlineSnapshot(`
      "schedule evaluate
        b0 = input "a" : f32[3, 3]
        b1 = output "y" : f32[3, 3]
        nest cholesky: turns
          turns j in 3
            v3 = fold sum r0 in 3 below j
              v2 = load b1[(j * 3) + r0]
              yield v2 * v2
            v4 = load b0[j * 4]
            v5 = sqrt(v4 - v3)
            each i in 3
              v7 = i - j
              v8 = v7 >= 0
              v14 = fold sum r0 in 3 below select(v8, j, 0)
                v12 = load b1[(i * 3) + r0]
                v13 = load b1[(j * 3) + r0]
                yield v12 * v13
              v15 = load b0[(i * 3) + j]
              store b1[(i * 3) + j] = select(v7 >= 1, (v15 - v14) / v5, select(v8, v5, 0))
        output "y" (output) = b1
      "
    `);
  });
});
