/** Folds and scans against plain loops: what is sliced, captured and carried, nested loops, gradients, draws per turn. */
import { describe, expect, test } from "vitest";
import { build } from "../../src/graph/build.ts";
import { topological } from "../../src/graph/walk.ts";
import type { NodeOf } from "../../src/ir/node.ts";
import type { Core } from "../../src/check/core.ts";
import { add, apply, at, comprehend, draw, fold, grad, graphOf, index, input, ix, loop, matmul, model, mul, N, num, numbers, param, reduce, run, slice, sub, value } from "./core-kit.ts";

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

function near(actual: readonly number[] | undefined, expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((v, i) => { expect(actual?.[i], `element ${i}`).toBeCloseTo(v, 10); });
}

function loopsOf(y: Core): readonly NodeOf<"loop">[] {
  const graph = build(model({ outputs: { y } }), { entry: "predict", model: "M" });
  return topological(graph.outputs.map((o) => o.node)).filter((n): n is NodeOf<"loop"> & typeof n => n.op === "loop");
}

const T = 4;
const [x, U, V, b] = [input("x", [N, T, 3]), param("U", [3, 2]), param("V", [2, 2]), param("b", [2])];
const zeros: Core = { kind: "broadcast", arg: num(0), type: { dtype: "f32", shape: [N, 2] }, span: num(0).span };
const cell = (h: Core, input_: Core): Core => apply("tanh", add(add(matmul(input_, U), matmul(h, V)), b));
const values = { x: numbers(2 * T * 3, 2), U: numbers(6, 3), V: numbers(4, 5), b: numbers(2, 7) };

describe("a recurrent network", () => {
  const recurrent = (kind: "fold" | "scan"): Core => loop(kind, T, zeros, (h, turn) => cell(h, slice(x, ":", turn)));
  const unrolled: Core[] = [];
  for (const k of range(T)) unrolled.push(cell(unrolled.at(-1) ?? zeros, slice(x, ":", num(k, "i32"))));
  const sizes = { sizes: { N: 2 } };

  test("is its unrolled self, last carry and all of them", () => {
    near(value(recurrent("fold"), values, sizes), value(unrolled.at(-1) as Core, values, sizes));
    const turns = unrolled.map((h) => value(h, values, sizes));
    near(value(recurrent("scan"), values, sizes), turns.flat());
  });

  test("slices what moves with the turn and captures the rest, the parameters as they are", () => {
    const [node] = loopsOf(recurrent("fold"));
    expect(node?.attrs.slices).toBe(1);
    expect(node?.inputs.slice(2).flatMap((n) => (n.op === "leaf" ? [n.attrs.path] : []))).toEqual(["U", "V", "b"]);
    expect(topological(node?.attrs.body.results ?? []).map((n) => n.op)).not.toContain("gather");
  });

  test("has the gradients of its unrolled self", () => {
    const gradients = (h: Core): readonly number[][] => {
      const program = model({ params: [U, V, b], loss: { loss: reduce("sum", mul(h, h), [0, 1]) } });
      const { outputs } = run(program, "gradients", values, sizes);
      return ["U", "V", "b"].map((p) => outputs[p] as number[]);
    };
    const [a, c] = [gradients(recurrent("fold")), gradients(unrolled.at(-1) as Core)];
    a.forEach((g, k) => { near(g, c[k] as number[]); });
    expect(Math.abs(a[1]?.[0] ?? 0)).toBeGreaterThan(1e-3);
  });

  test("written in index notation gives the same", () => {
    const [n, o, i, j] = [index("n", N), index("o", 2), index("i", 3), index("j", 2)];
    const formula = loop("fold", T, zeros, (h, turn) => comprehend([n, o], apply("tanh", add(
      add(fold("sum", [i], mul(at(x, n, turn, i), at(U, i, o))), fold("sum", [j], mul(at(h, n, j), at(V, j, o)))), at(b, o)))));
    near(value(formula, values, sizes), value(recurrent("fold"), values, sizes));
    expect(loopsOf(formula)[0]?.attrs.slices).toBe(1);
  });
});

describe("loops", () => {
  const v = input("v", [5]);
  const given = { v: numbers(5, 3) };
  const V5 = given.v;

  test("a position that runs backwards or strides is a slice too; one that leaves the tensor gathers", () => {
    const one = num(1, "i32");
    const backwards = loop("fold", 5, num(0), (h, turn) => add(mul(num(2), h), at(v, sub(num(4, "i32"), turn))));
    near(value(backwards, given), [range(5).reduce((h, k) => 2 * h + (V5[4 - k] as number), 0)]);
    expect(loopsOf(backwards)[0]?.attrs.slices).toBe(1);
    const odd = loop("fold", 2, num(0), (h, turn) => add(mul(num(2), h), at(v, add(mul(num(2, "i32"), turn), one))));
    near(value(odd, given), [range(2).reduce((h, k) => 2 * h + (V5[2 * k + 1] as number), 0)]);
    expect(loopsOf(odd)[0]?.attrs.slices).toBe(1);
    const around = loop("fold", 5, num(0), (h, turn) => add(mul(num(2), h), at(v, apply("mod", add(turn, one), num(5, "i32")))));
    near(value(around, given), [range(5).reduce((h, k) => 2 * h + (V5[(k + 1) % 5] as number), 0)]);
    expect(loopsOf(around)[0]?.attrs.slices).toBe(0);
  });

  test("the turn and hyperparameters are numbers in the body", () => {
    const y = loop("scan", 3, num(1), (h, turn) => add(mul(h, { kind: "hyper", name: "r", type: num(0).type, span: num(0).span }), { kind: "cast", to: "f32", arg: turn, type: num(0).type, span: num(0).span }));
    expect(value(y, {}, { scalars: { r: 2 } })).toEqual([2, 5, 12]);
  });

  test("a loop in a loop reads what both carry", () => {
    const y = loop("fold", 3, num(1), (h, outer) => loop("fold", 2, h, (k, inner) => add(add(mul(k, num(2)), h), add(at(v, outer), at(v, inner)))));
    const expected = range(3).reduce((h, o) => range(2).reduce((k, i) => k * 2 + h + (V5[o] as number) + (V5[i] as number), h), 1);
    near(value(y, given), [expected]);
  });

  test("one loop after another, each reading the earlier", () => {
    const first = loop("scan", 5, num(0), (h, turn) => add(h, at(v, turn)));
    const second = loop("scan", 5, num(0), (h, turn) => add(mul(h, num(0.5)), at(first, turn)));
    let [a, h] = [0, 0];
    near(value(second, given), range(5).map((k) => { a += V5[k] as number; h = h * 0.5 + a; return h; }));
  });

  test("inside an equation every value of the index has a loop of its own", () => {
    const i = index("i", 5);
    const y = comprehend([i], loop("fold", 3, at(v, i), (h, turn) => add(mul(h, at(v, i)), mul({ kind: "cast", to: "f32", arg: ix(i), type: num(0).type, span: num(0).span }, { kind: "cast", to: "f32", arg: turn, type: num(0).type, span: num(0).span }))));
    near(value(y, given), range(5).map((k) => range(3).reduce((h, turn) => h * (V5[k] as number) + k * turn, V5[k] as number)));
  });

  test("a fold of no turns is where it started", () => {
    expect(value(loop("fold", 0, num(3), (h) => add(h, num(1))))).toEqual([3]);
  });

  test("draws are new in each turn, unless drawn before the loop", () => {
    const fresh = loop("scan", 4, num(0), (h, _, variable) => add(mul(num(0), h), draw("uniform", [num(0), num(1)], "M.a", [], [variable])));
    expect(new Set(value(fresh)).size).toBe(4);
    const before = draw("uniform", [num(0), num(1)], "M.b", []);
    const kept = loop("scan", 4, num(0), (h) => add(mul(num(0), h), before));
    expect(new Set(value(kept)).size).toBe(1);
    const nested = loop("scan", 2, { kind: "broadcast", arg: num(0), type: { dtype: "f32", shape: [3] }, span: num(0).span }, (_, __, outer) =>
      loop("scan", 3, num(0), (h, ___, inner) => add(mul(num(0), h), draw("uniform", [num(0), num(1)], "M.c", [], [outer, inner]))));
    expect(new Set(value(nested)).size).toBe(6);
  });

  test("a gradient inside a body, by what is carried and by what is captured: descent on a quadratic", () => {
    const c = param("c", []);
    const slope = (h: Core): Core => grad(mul(mul(c, h), h), h);
    const descent = loop("fold", 3, num(1), (h) => { const named: Core = { kind: "binding", name: "h", named: h.span, value: h, type: h.type, span: h.span }; return sub(named, mul(num(0.1), slope(named))); });
    near(value(descent, { c: [2] }), [(1 - 0.1 * 2 * 2) ** 3]);
    const byCapture = loop("fold", 3, num(1), (h) => add(h, grad(mul(mul(param("c", []), param("c", [])), h), c)));
    near(value(byCapture, { c: [2] }), [range(3).reduce((h) => h + 2 * 2 * h, 1)]);
    const { outputs } = run(graphOf(model({ params: [c], loss: { loss: descent } }), "gradients"), "gradients", { c: [2] });
    near(outputs["c"], [3 * (1 - 0.2 * 2) ** 2 * -0.2]);
  });
});
