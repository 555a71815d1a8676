/**
 * Lists of whole numbers in brackets: they pick together, element by element, and their axes stand where the first of them stands.
 * Random brackets against plain loops, with their gradients, and the same picks written as equations.
 */
import { describe, expect, it, test } from "vitest";
import { errorsOf, expectGradients, near, numbers, opened, outputs, range } from "./kit.ts";

function chooser(seed: number): (n: number) => number {
  let word = seed >>> 0;
  return (n) => {
    word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
    return Math.floor((word / 2 ** 32) * n);
  };
}

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Every place of a tensor of this shape, in order. */
const places = (shape: readonly number[]): number[][] => range(product(shape)).map((flat) => {
  let rest = flat;
  return [...shape].reverse().map((d) => {
    const k = rest % d;
    rest = (rest - k) / d;
    return k;
  }).reverse();
});

const flat = (shape: readonly number[], at: readonly number[]): number => shape.reduce((f, d, a) => f * d + (at[a] ?? 0), 0);

/** `[[1, 2], [3, 4]]`. */
function written(shape: readonly number[], values: readonly number[]): string {
  const [d, ...rest] = shape;
  if (d === undefined) return String(values[0]);
  const size = product(rest);
  return `[${range(d).map((k) => written(rest, values.slice(k * size, (k + 1) * size))).join(", ")}]`;
}

type Item = { readonly text: string; readonly own: number; readonly at: (own: readonly number[], joint: readonly number[]) => number; readonly list?: boolean };

/** An item of brackets over an axis of `size`; lists stretch to `joint`. */
function item(choose: (n: number) => number, size: number, joint: readonly number[]): Item {
  const kind = choose(6);
  if (kind === 0) return { text: ":", own: size, at: ([i]) => i as number };
  if (kind === 1) {
    const lo = choose(size);
    const hi = lo + 1 + choose(size - lo);
    return { text: `${lo}..${hi}`, own: hi - lo, at: ([i]) => lo + (i as number) };
  }
  if (kind === 2) {
    const k = choose(size);
    return { text: String(k), own: 0, at: () => k };
  }
  const cut = choose(joint.length + 1) === joint.length ? joint.slice(1) : joint;
  const shape = cut.map((d) => (choose(4) === 0 ? 1 : d));
  if (shape.length === 0) return item(choose, size, joint);
  const values = range(product(shape)).map(() => choose(size));
  return { text: written(shape, values), own: 0, list: true, at: (_, j) => values[flat(shape, j.slice(j.length - shape.length).map((k, a) => (shape[a] === 1 ? 0 : k)))] as number };
}

test.each(range(80, 1))("brackets %i", async (seed) => {
  const choose = chooser(seed * 104729);
  const shape = range(2 + choose(3)).map(() => 2 + choose(3));
  const joint = [[3], [2, 3], [4], [2, 2]][choose(4)] as number[];
  const items = shape.map((size) => item(choose, size, joint));
  const lists = items.filter((i) => i.list);
  const param = numbers(product(shape), seed);
  const session = await opened(`param A: f32[${shape.join(", ")}] ~ normal(0, 1)\noutput z = A[${items.map((i) => i.text).join(", ")}]`, { "M.A": param });
  const z = (await session.predict({}))["z"];
  // The lists' common shape: an axis that every list leaves at 1 stays 1.
  const found = z?.shape ?? [];
  const first = items.findIndex((i) => i.list);
  const before = items.slice(0, Math.max(0, first)).filter((i) => i.own > 0).length;
  const owns = items.filter((i) => i.own > 0).length;
  const common = lists.length === 0 ? [] : found.slice(before, found.length - (owns - before));
  expect(found.length).toBe(owns + common.length);
  const expected = places(found).map((at) => {
    const own = [...at.slice(0, before), ...at.slice(before + common.length)];
    const j = lists.length === 0 ? [] : at.slice(before, before + common.length);
    let next = 0;
    return param[flat(shape, items.map((i) => i.at(i.own > 0 ? [own[next++] as number] : [], j)))] as number;
  });
  near([...(z?.data ?? [])], expected);
  if (seed % 4 === 0) await expectGradients(`param A: f32[${shape.join(", ")}] ~ normal(0, 1)\nloss = sum(sin(A[${items.map((i) => i.text).join(", ")}]) + A[${items.map((i) => i.text).join(", ")}]^2)`, {});
});

const feed = { r: [3, 0, 2, 3], c: [4, 4, 1, 0], q: [1, 0, 1, 1] };
const inputs = "input r: i32[N] in 0..4\ninput c: i32[N] in 0..5\ninput q: i32[N] in 0..2";

describe("lists", () => {
  it("of two and three indices are the equations that they stand for, from data, tables and picks of picks", async () => {
    const B = numbers(40, 7);
    const found = await outputs(`${inputs}
param B: f32[2, 4, 5] ~ zeros
output a = B[q, r, c]
output b[n] = B[q[n], r[n], c[n]]
output d = B[:, r, c]
output e[k, n] = B[k, r[n], c[n]]
output f = B[q, :, c]
output g[n, k] = B[q[n], k, c[n]]
way = [2, 0, 1, 3]
output h = B[1, way[r], way[way[r]]]
output k[n] = B[1, way[r[n]], way[way[r[n]]]]
output l = B[q][:, 1]`, feed, { "M.B": B });
    near(found.a, feed.r.map((r, n) => B[(feed.q[n] as number) * 20 + r * 5 + (feed.c[n] as number)] as number));
    near(found.b, found.a ?? []);
    near(found.d, found.e ?? []);
    near(found.f, found.g ?? []);
    near(found.h, found.k ?? []);
    near(found.h, feed.r.map((r) => B[20 + 5 * ([2, 0, 1, 3][r] as number) + ([1, 2, 0, 3][r] as number)] as number));
  });

  it("have gradients of the first and the second order that sum where a place is picked twice", async () => {
    const model = (loss: string): string => `${inputs}
param B: f32[2, 4, 5] ~ normal(0, 1)
param A: f32[4, 5] ~ normal(0, 1)
${loss}`;
    await expectGradients(model("loss = mean(B[q, r, c] * A[r, c]) + sum(sin(B[:, r, c]))"), feed);
    await expectGradients(model("slope = grad(sum(B[q, r, c]^3 * A[r, c]), B)\nloss = sum(slope^2) + sum(A[r, c]^2)"), feed);
    await expectGradients(model("slope = grad(sum[n] (B[q[n], r[n], c[n]]^3 * A[r[n], c[n]]), B)\nother[n] = grad(A[r[n], c[n]]^3, A)[r[n], c[n]]\nloss = sum[i, j, k] slope[i, j, k]^2 + sum(other * A[r, 0])"), feed);
  });

  it("check each index for itself, and are refused where they do not join", () => {
    const error = (lines: string): string[] => errorsOf(`input r: i32[N] in 0..4\ninput c: i32[N] in 0..9\ninput x: f32[N, 5]\nA = [[1, 2, 3, 4], [5, 6, 7, 8]]\n${lines}`);
    // 1 * 4 + 7 would lie in the tensor laid out flat.
    expect(error("output a = A[0, 0..2] + A[[0, 0], [0, 7]]")).toEqual(["E0205 the index may be 0 to 7, and the axis has indices 0 to 3"]);
    expect(error("output a = A[r, r]")).toEqual(["E0205 the index may be 0 to 3, and the axis has indices 0 to 1"]);
    expect(error("output a[n] = A[r[n] % 2, c[n]]")).toEqual(["E0205 the index may be 0 to 8, and the axis has indices 0 to 3"]);
    expect(error("output a = A[[0, 1], [0, 1, 2]]")).toEqual(["E0201 one pair of brackets cannot join [2] and [3]: axis 0 is 2 on one side and 3 on the other"]);
    expect(error("output a = A[[[0], [1]], [0, 1]][:, 2]")).toEqual(["E0205 the index is 2, and the axis has indices 0 to 1"]);
  });

  it("make no size occur twice", () => {
    expect(errorsOf("input x: f32[N, 5]\ntarget y: i32[N] in 0..5\noutput a = x[:, y]")).toEqual(["E0201 these brackets would make N occur twice: [N, 5] picked by [N] gives [N, N]"]);
    expect(errorsOf("input x: f32[N, 5]\ntarget y: i32[N] in 0..5\noutput a[n] = x[n, y[n]]")).toEqual([]);
  });
});
