/** Index notation against plain loops: products, convolutions, pooling, guards, gathers, at several sizes of the batch. */
import { describe, expect, test } from "vitest";
import { topological } from "../../src/graph/walk.ts";
import type { Node } from "../../src/ir/node.ts";
import { add, apply, at, compare, comprehend, div, fold, grad, graphOf, guardedAt, index, input, ix, matmul, model, mul, N, num, numbers, param, reduce, run, select, slice, sub, value } from "./core-kit.ts";

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const at2 = (x: readonly number[], width: number, i: number, j: number): number => x[i * width + j] as number;

function near(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((v, i) => { expect(actual[i], `element ${i}`).toBeCloseTo(v, 10); });
}

describe("products", () => {
  const [x, W] = [input("x", [N, 3]), param("W", [3, 2])];
  const [b, o, i] = [index("b", N), index("o", 2), index("i", 3)];
  const formula = comprehend([b, o], fold("sum", [i], mul(at(x, b, i), at(W, i, o))));

  test("a dense layer as a formula, as a product, and by loops, at three sizes from one graph", () => {
    const graphs = [formula, matmul(x, W)].map((y) => graphOf(model({ outputs: { y } }), "predict"));
    const w = numbers(6, 2);
    for (const n of [1, 3, 7]) {
      const v = numbers(n * 3, 3);
      const expected = range(n).flatMap((r) => range(2).map((c) => sum(range(3).map((k) => at2(v, 3, r, k) * at2(w, 2, k, c)))));
      for (const g of graphs) near(run(g, "predict", { x: v, W: w }, { sizes: { N: n } }).outputs["y"] as number[], expected);
    }
  });

  test("the gradient of a formula is that of the product", () => {
    const values = { x: numbers(12, 4), W: numbers(6, 5) };
    const losses = [formula, matmul(x, W)].map((y) => reduce("sum", apply("tanh", y), [0, 1]));
    const [a, c] = losses.map((loss) => run(model({ params: [W], loss: { loss } }), "gradients", values, { sizes: { N: 4 } }).outputs["W"] as number[]);
    near(a as number[], c as number[]);
    expect(sum((a as number[]).map(Math.abs))).toBeGreaterThan(0.1);
  });

  test("a vector at either side, and leading axes that broadcast", () => {
    const [A, v, B] = [input("A", [2, 3]), input("v", [3]), input("B", [4, 3, 2])];
    const given = { A: numbers(6, 2), v: numbers(3, 3), B: numbers(24, 4) };
    near(value(matmul(A, v), given), range(2).map((r) => sum(range(3).map((k) => at2(given.A, 3, r, k) * (given.v[k] as number)))));
    near(value(matmul(v, B), given), range(4).flatMap((q) => range(2).map((c) => sum(range(3).map((k) => (given.v[k] as number) * (given.B[(q * 3 + k) * 2 + c] as number))))));
    near(value(matmul(A, B), given), range(4).flatMap((q) => range(2).flatMap((r) => range(2).map((c) => sum(range(3).map((k) => at2(given.A, 3, r, k) * (given.B[(q * 3 + k) * 2 + c] as number)))))));
  });
});

describe("accesses", () => {
  test("cross-correlation, true convolution and pooling", () => {
    const [I, K] = [input("I", [N, 2, 5, 6]), input("K", [3, 2, 2, 3])];
    const [n, f, i, j, c, u, v] = [index("n", N), index("f", 3), index("i", 4), index("j", 4), index("c", 2), index("u", 2), index("v", 3)];
    const given = { I: numbers(2 * 60, 2), K: numbers(36, 3) };
    const pixel = (b: number, ch: number, y: number, x: number): number => given.I[((b * 2 + ch) * 5 + y) * 6 + x] as number;
    const weight = (o: number, ch: number, y: number, x: number): number => given.K[((o * 2 + ch) * 2 + y) * 3 + x] as number;
    const each = (at: (b: number, o: number, y: number, x: number) => number): number[] =>
      range(2).flatMap((b) => range(3).flatMap((o) => range(4).flatMap((y) => range(4).map((x) => at(b, o, y, x)))));

    const correlation = comprehend([n, f, i, j], fold("sum", [c, u, v], mul(at(I, n, c, add(ix(i), ix(u)), add(ix(j), ix(v))), at(K, f, c, u, v))));
    near(value(correlation, given, { sizes: { N: 2 } }), each((b, o, y, x) => sum(range(2).flatMap((ch) => range(2).flatMap((p) => range(3).map((q) => pixel(b, ch, y + p, x + q) * weight(o, ch, p, q)))))));

    const flipped = comprehend([n, f, i, j], fold("sum", [c, u, v], mul(
      at(I, n, c, sub(add(ix(i), num(1, "i32")), ix(u)), sub(add(ix(j), num(2, "i32")), ix(v))), at(K, f, c, u, v))));
    near(value(flipped, given, { sizes: { N: 2 } }), each((b, o, y, x) => sum(range(2).flatMap((ch) => range(2).flatMap((p) => range(3).map((q) => pixel(b, ch, y + 1 - p, x + 2 - q) * weight(o, ch, p, q)))))));

    const [pi, pj, pu, pv] = [index("i", 2), index("j", 3), index("u", 2), index("v", 2)];
    const two = num(2, "i32");
    const pooled = comprehend([n, c, pi, pj], fold("max", [pu, pv], at(I, n, c, add(mul(two, ix(pi)), ix(pu)), add(mul(two, ix(pj)), ix(pv)))));
    near(value(pooled, given, { sizes: { N: 2 } }), range(2).flatMap((b) => range(2).flatMap((ch) => range(2).flatMap((y) => range(3).map((x) =>
      Math.max(...range(2).flatMap((p) => range(2).map((q) => pixel(b, ch, 2 * y + p, 2 * x + q)))))))));
  });

  test("an access is one view: no gather, no table of positions", () => {
    const [x, i, u] = [input("x", [8]), index("i", 6), index("u", 3)];
    const y = comprehend([i], fold("sum", [u], at(x, add(ix(i), ix(u)))));
    const ops = topological(graphOf(model({ outputs: { y } }), "predict").outputs.map((o) => o.node)).map((node: Node) => node.op);
    expect(ops).toEqual(["leaf", "view", "reduce"]);
  });

  test("a repeated index is a diagonal; an index off a range starts where the range does", () => {
    const [A, i] = [input("A", [3, 3]), index("i", 3)];
    const a = numbers(9);
    near(value(comprehend([i], at(A, i, i)), { A: a }), [a[0], a[4], a[8]] as number[]);
    const j = index("j", 2, 1);
    near(value(comprehend([j], mul(at(A, j, 0), ix(j))), { A: a }), [(a[3] as number) * 1, (a[6] as number) * 2]);
  });

  test("gathers: by a row's own index, from a table, by two indices, beside a linear one", () => {
    const [s, y] = [input("s", [N, 3]), input("y", [N], "i32")];
    const n = index("n", N);
    const scores = numbers(12);
    const labels = [2, 0, 1, 1];
    near(value(comprehend([n], at(s, n, at(y, n))), { s: scores, y: labels }, { sizes: { N: 4 } }), labels.map((k, r) => at2(scores, 3, r, k)));

    const [E, ids, k, d] = [input("E", [5, 2]), input("ids", [N, 3], "i32"), index("k", 3), index("d", 2)];
    const table = numbers(10, 2);
    const words = [4, 0, 1, 1, 2, 3];
    near(value(comprehend([n, k, d], at(E, at(ids, n, k), d)), { E: table, ids: words }, { sizes: { N: 2 } }), words.flatMap((w) => range(2).map((c) => at2(table, 2, w, c))));

    const [p, q] = [input("p", [N], "i32"), input("q", [N], "i32")];
    near(value(comprehend([n], at(E, at(p, n), at(q, n))), { E: table, p: [4, 0, 2], q: [1, 1, 0] }, { sizes: { N: 3 } }), [at2(table, 2, 4, 1), at2(table, 2, 0, 1), at2(table, 2, 2, 0)]);

    const i = index("i", 2);
    const mixed = comprehend([i, n], at(E, add(mul(num(2, "i32"), ix(i)), num(1, "i32")), at(q, n)));
    near(value(mixed, { E: table, q: [1, 0, 1] }, { sizes: { N: 3 } }), range(2).flatMap((r) => [1, 0, 1].map((c) => at2(table, 2, 2 * r + 1, c))));
  });

  test("slices in tensor notation: ranges, single positions, lists of positions", () => {
    const [x, p] = [input("x", [N, 4, 3]), input("p", [2], "i32")];
    const v = numbers(24);
    const given = { x: v, p: [2, 0] };
    const of = (b: number, r: number, c: number): number => v[(b * 4 + r) * 3 + c] as number;
    near(value(slice(x, ":", [1, 3], num(2, "i32")), given, { sizes: { N: 2 } }), range(2).flatMap((b) => [1, 2].map((r) => of(b, r, 2))));
    near(value(slice(x, ":", p), given, { sizes: { N: 2 } }), range(2).flatMap((b) => given.p.flatMap((r) => range(3).map((c) => of(b, r, c)))));
    near(value(slice(x, [0, N], ":", at(p, 0)), given, { sizes: { N: 2 } }), range(2).flatMap((b) => range(4).map((r) => of(b, r, 2))));
  });
});

describe("reductions with guards", () => {
  const [s, y] = [input("s", [N, 3]), input("y", [N], "i32")];
  const [i, j] = [index("i", N), index("j", 3)];

  test("the multi-class hinge", () => {
    const margin = add(sub(at(s, i, j), at(s, i, at(y, i))), num(1));
    const hinge = fold("mean", [i], fold("sum", [j], apply("max", num(0), margin), compare("!=", ix(j), at(y, i))));
    const scores = numbers(12, 3);
    const labels = [0, 2, 1, 0];
    const expected = sum(labels.map((k, r) => sum(range(3).filter((c) => c !== k).map((c) => Math.max(0, at2(scores, 3, r, c) - at2(scores, 3, r, k) + 1))))) / 4;
    near(value(hinge, { s: scores, y: labels }, { sizes: { N: 4 } }), [expected]);
  });

  test("a guard protects what is out of reach: a negative label, a neighbour outside", () => {
    const kept = fold("mean", [i], guardedAt(s, [1], i, at(y, i)), compare(">=", at(y, i), num(0, "i32")));
    const scores = numbers(9);
    near(value(kept, { s: scores, y: [1, -1, 0] }, { sizes: { N: 3 } }), [(at2(scores, 3, 0, 1) + at2(scores, 3, 2, 0)) / 2]);
    near(value(kept, { s: scores, y: [-1, -1, -1] }, { sizes: { N: 3 } }), [0]);

    const [x, k, u] = [input("x", [5]), index("k", 5), index("u", 3)];
    const pos = sub(add(ix(k), ix(u)), num(1, "i32"));
    const legal = apply("and", compare(">=", pos, num(0, "i32")), compare("<", pos, num(5, "i32")));
    const v = numbers(5);
    for (const op of ["sum", "max", "mean", "min"] as const) {
      const expected = range(5).map((c) => {
        const near3 = range(3).map((d) => c + d - 1).filter((q) => q >= 0 && q < 5).map((q) => v[q] as number);
        return op === "sum" ? sum(near3) : op === "mean" ? sum(near3) / near3.length : op === "max" ? Math.max(...near3) : Math.min(...near3);
      });
      near(value(comprehend([k], fold(op, [u], at(x, pos), legal)), { x: v }), expected);
    }
  });

  test("no gradient comes from terms that are left out", () => {
    const W = param("W", [4]);
    const k = index("k", 4);
    const loss = fold("sum", [k], apply("log", at(W, k)), compare(">", at(W, k), num(0.5)));
    const g = run(model({ params: [W], loss: { loss } }), "gradients", { W: [1, 0.25, 2, -3] }).outputs["W"] as number[];
    near(g, [1, 0, 0.5, 0]);
  });

  test("counts, any, all, prod, argmax and argmin, kept terms alone", () => {
    const [x, k] = [input("x", [7]), index("k", 6, 1)];
    const v = [9, 3, -1, 4, 4, -1, 2];
    const guard = compare("!=", at(x, k), num(3));
    const positive = compare(">", at(x, k), num(0));
    const of = (op: Parameters<typeof fold>[0], body = at(x, k)): number => value(fold(op, [k], body, guard), { x: v })[0] as number;
    expect(of("count", positive)).toBe(3);
    expect(of("any", compare("==", at(x, k), num(3)))).toBe(0);
    expect(of("all", compare("!=", at(x, k), num(3)))).toBe(1);
    expect(of("prod")).toBe(-1 * 4 * 4 * -1 * 2);
    expect(of("argmax")).toBe(3);
    expect(of("argmin")).toBe(2);
    expect(value(fold("argmin", [k], at(x, k)), { x: v })[0]).toBe(2);
    expect(value(fold("prod", [k], at(x, k)), { x: v })[0]).toBe(96);
  });
});

describe("reductions of whole axes", () => {
  test("means divide by the size that the data has", () => {
    const x = input("x", [N, 2]);
    const g = graphOf(model({ outputs: { all: reduce("mean", x, [0, 1]), rows: reduce("mean", x, [0]) } }), "predict");
    for (const n of [1, 3, 7]) {
      const v = numbers(2 * n, 3);
      const { outputs } = run(g, "predict", { x: v }, { sizes: { N: n } });
      near(outputs["all"] as number[], [sum(v) / (2 * n)]);
      near(outputs["rows"] as number[], range(2).map((c) => sum(range(n).map((r) => at2(v, 2, r, c))) / n));
    }
  });

  test("logsumexp does not overflow, and its gradient is softmax", () => {
    const W = param("W", [3]);
    const loss = reduce("logsumexp", W, [0]);
    const { outputs } = run(model({ params: [W], loss: { loss } }), "gradients", { W: [1e4, 1e4 - 1, -1e4] });
    near(outputs["loss"] as number[], [1e4 + Math.log(1 + Math.exp(-1))]);
    near(outputs["W"] as number[], [1 / (1 + Math.exp(-1)), Math.exp(-1) / (1 + Math.exp(-1)), 0]);
  });

  test("products of odd and even extents, with their gradients", () => {
    for (const n of [1, 2, 3, 5, 8]) {
      const W = param("W", [2, n]);
      const w = numbers(2 * n, 2).map((v) => v + 2);
      const rows = range(2).map((r) => range(n).reduce((p, c) => p * at2(w, n, r, c), 1));
      near(value(reduce("prod", W, [1]), { W: w }), rows);
      const loss = reduce("sum", reduce("prod", W, [1]), [0]);
      near(run(model({ params: [W], loss: { loss } }), "gradients", { W: w }).outputs["W"] as number[], w.map((v, k) => (rows[Math.floor(k / n)] as number) / v));
    }
  });

  test("a product over the batch, beside an axis of known size", () => {
    const v = numbers(12);
    near(value(reduce("prod", input("x", [N, 3]), [0, 1]), { x: v }, { sizes: { N: 4 } }), [v.reduce((p, f) => p * f, 1)]);
  });
});

describe("elementwise", () => {
  const x = param("x", [5]);
  const points = [-2, -0.5, 0, 0.5, 3];
  const slopes = (y: ReturnType<typeof apply>): readonly number[] => run(model({ params: [x], loss: { loss: reduce("sum", y, [0]) } }), "gradients", { x: points }).outputs["x"] as number[];

  test("abs, sign, min, max and powers, with their slopes at the kink", () => {
    near(value(apply("abs", x), { x: points }), points.map(Math.abs));
    near(slopes(apply("abs", x)), [-1, -1, 0, 1, 1]);
    near(value(apply("sign", x), { x: points }), [-1, -1, 0, 1, 1]);
    near(slopes(apply("max", x, num(0))), [0, 0, 0, 1, 1]);
    near(slopes(apply("min", x, num(0))), [1, 1, 0, 0, 0]);
    near(value(apply("min", x, num(0.25)), { x: points }), points.map((v) => Math.min(v, 0.25)));
    near(value(apply("pow", x, num(3)), { x: points }), points.map((v) => v ** 3));
    near(slopes(apply("pow", x, num(2))), points.map((v) => 2 * v));
    near(value(apply("pow", num(1.5), x), { x: points }), points.map((v) => 1.5 ** v));
  });

  test("a select takes one branch, in value and gradient", () => {
    const elu = select(compare(">=", x, num(0)), x, sub(apply("exp", x), num(1)));
    near(value(elu, { x: points }), points.map((v) => (v >= 0 ? v : Math.exp(v) - 1)));
    near(slopes(elu), points.map((v) => (v >= 0 ? 1 : Math.exp(v))));
  });

  test("axes of size 1 and missing axes stretch", () => {
    const [a, b] = [input("a", [N, 1, 3]), input("b", [2, 1])];
    const given = { a: numbers(6), b: [10, 20] };
    near(value(add(a, b), given, { sizes: { N: 2 } }), range(2).flatMap((n) => range(2).flatMap((r) => range(3).map((c) => (given.a[n * 3 + c] as number) + (given.b[r] as number)))));
  });

  test("integers divide to reals, and // and % stay whole", () => {
    const i = index("i", 7);
    near(value(comprehend([i], div(ix(i), num(2, "i32")))), range(7).map((v) => v / 2));
    near(value(comprehend([i], apply("floordiv", sub(ix(i), num(3, "i32")), num(2, "i32")))), range(7).map((v) => Math.floor((v - 3) / 2)));
    near(value(comprehend([i], apply("mod", sub(ix(i), num(3, "i32")), num(2, "i32")))), range(7).map((v) => (v + 1) % 2));
  });
});

describe("derivatives in a program", () => {
  test("a gradient by a binding sees that binding alone", () => {
    const zeros = (): ReturnType<typeof num> => ({ kind: "broadcast", arg: num(0), type: { dtype: "f32", shape: [3] }, span: num(0).span });
    const bound = (name: string, v: ReturnType<typeof num>): ReturnType<typeof num> => ({ kind: "binding", name, named: v.span, value: v, type: v.type, span: v.span });
    const [a, b] = [bound("a", zeros()), bound("b", zeros())];
    const f = add(reduce("sum", add(a, num(1)), [0]), mul(num(5), reduce("sum", b, [0])));
    near(value(grad(f, a)), [1, 1, 1]);
    near(value(grad(f, b)), [5, 5, 5]);
  });

  test("a gradient by an input, indexed in an equation: a penalty of second order", () => {
    const [x, W] = [input("x", [N, 2]), param("W", [2])];
    const score = apply("tanh", matmul(x, W));
    const slope = grad(reduce("sum", score, [0]), x);
    const [n, d] = [index("n", N), index("d", 2)];
    const length = comprehend([n], fold("sum", [d], apply("pow", at(slope, n, d), num(2))));
    const loss = reduce("mean", length, [0]);
    const values = { x: numbers(6), W: [0.3, -0.7] };
    const lossAt = (w: readonly number[]): number => sum(range(3).map((r) => {
      const z = at2(values.x, 2, r, 0) * (w[0] as number) + at2(values.x, 2, r, 1) * (w[1] as number);
      return (1 - Math.tanh(z) ** 2) ** 2 * sum(w.map((v) => v * v));
    })) / 3;
    const { outputs } = run(model({ params: [W], loss: { loss } }), "gradients", values, { sizes: { N: 3 } });
    near(outputs["loss"] as number[], [lossAt(values.W)]);
    const h = 1e-6;
    const numeric = range(2).map((k) => (lossAt(values.W.map((v, q) => (q === k ? v + h : v))) - lossAt(values.W.map((v, q) => (q === k ? v - h : v)))) / (2 * h));
    (outputs["W"] as number[]).forEach((g, k) => { expect(g).toBeCloseTo(numeric[k] as number, 7); });
  });
});

test("a sum of 100,000 terms is built without recursion", () => {
  let y = input("x", []) as ReturnType<typeof num>;
  for (let k = 1; k < 100_000; k++) y = add(y, num(k % 2));
  expect(value(y, { x: [1] })).toEqual([50_001]);
});
