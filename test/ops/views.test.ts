/**
 * Views as maps: random affine maps against brute force, compositions, and adjoints as transposes: <v, A u> = <Aᵀ v, u>,
 * element by element against the transpose found by trying every index.
 */
import { describe, expect, it } from "vitest";
import * as access from "../../src/ir/access.ts";
import type { AccessMap, Affine } from "../../src/ir/access.ts";
import * as dims from "../../src/ir/dims.ts";
import { Builder } from "../../src/graph/builder.ts";
import { evaluateNodes } from "../../src/graph/eval-graph.ts";
import { verifyGraph } from "../../src/graph/verify-graph.ts";
import { each, elements, fill } from "../../src/ops/tensor64.ts";
import { viewAdjoint } from "../../src/ops/view-adjoint.ts";
import { around, numbers } from "./cases.ts";

const valueAt = (form: Affine, i: readonly number[]): number => form.k.reduce((sum, k, a) => sum + k * (i[a] ?? 0), dims.evaluate(form.c, {}));
const holds = (map: AccessMap, i: readonly number[]): boolean =>
  map.guards.every((g) => (g.kind === "nonnegative" ? valueAt(g.value, i) >= 0 : valueAt(g.value, i) % g.by === 0));
const coordinates = (map: AccessMap, i: readonly number[]): number[] => map.index.map((c) => valueAt(c.numerator, i) / c.divisor);

/**
 * A random map that is safe to read: each coordinate is a random form, guarded to divide exactly and to lie inside x
 * unless it does anyway.
 */
function randomMap(next: () => number, shape: readonly number[], of: readonly number[]): AccessMap {
  const pick = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1));
  const guards: access.Guard[] = [];
  const index = of.map((extent) => {
    const numerator = access.affine(pick(-2, 3), shape.map(() => (next() < 0.5 ? 0 : pick(-3, 3))));
    const divisor = next() < 0.7 ? 1 : pick(2, 3);
    guards.push({ kind: "nonnegative", value: numerator });
    guards.push({ kind: "nonnegative", value: access.addAffine(access.constant((extent - 1) * divisor, shape.length), access.scaleAffine(numerator, -1)) });
    if (divisor > 1) guards.push({ kind: "divisible", value: numerator, by: divisor });
    return { numerator, divisor };
  });
  return { shape, index, guards: access.tidyGuards(guards, shape) };
}

const shapes = [[3], [4, 3], [5, 2], [3, 2, 4], [2, 6], []] as const;

function someShape(next: () => number): readonly number[] {
  return shapes[Math.floor(next() * shapes.length)] ?? [3];
}

const seeds = Array.from({ length: 150 }, (_, n) => n + 1);

describe("random views", () => {
  it("read what brute force reads", () => {
    for (const seed of seeds) {
      const next = numbers(seed);
      const [of, shape] = [someShape(next), someShape(next)];
      const map = randomMap(next, shape, of);
      const b = new Builder();
      const x = b.leaf({ kind: "input", path: "x", type: { dtype: "f32", shape: of } });
      const value = fill(of, (_, flat) => flat + 1);
      const at = (i: readonly number[]): number => value.data[i.reduce((flat, k, a) => flat * (of[a] ?? 1) + k, 0)] ?? Number.NaN;
      const found = evaluateNodes([b.view(x, map)], around(new Map([["x", value]])))[0];
      each(shape, (i, flat) => expect(found?.data[flat], `${seed}: ${access.printMap(map)} at ${i}`).toBe(holds(map, i) ? at(coordinates(map, i)) : 0));
    }
  });

  it("compose to one view", () => {
    for (const seed of seeds) {
      const next = numbers(seed + 1000);
      const [of, middle, shape] = [someShape(next), someShape(next), someShape(next)];
      const [inner, outer] = [randomMap(next, middle, of), randomMap(next, shape, middle)];
      const b = new Builder();
      const x = b.leaf({ kind: "input", path: "x", type: { dtype: "f32", shape: of } });
      const values = new Map([["x", fill(of, () => next())]]);
      const [twice, once] = evaluateNodes([b.view(b.view(x, inner), outer), b.view(x, access.compose(outer, inner))], around(values));
      expect(once?.data, `${seed}: ${access.printMap(outer)} of ${access.printMap(inner)}`).toEqual(twice?.data);
    }
  });

  it("have their transpose as adjoint", () => {
    for (const seed of seeds) {
      const next = numbers(seed + 2000);
      const [of, shape] = [someShape(next), someShape(next)];
      const map = randomMap(next, shape, of);
      const b = new Builder();
      const g = b.leaf({ kind: "input", path: "g", type: { dtype: "f32", shape } });
      const value = fill(shape, () => 1 + Math.floor(next() * 9));
      const wanted = new Float64Array(elements(of));
      each(shape, (i, flat) => {
        if (!holds(map, i)) return;
        const at = coordinates(map, i).reduce((sum, k, a) => sum * (of[a] ?? 1) + k, 0);
        wanted[at] = (wanted[at] ?? 0) + (value.data[flat] ?? 0);
      });
      const adjoint = viewAdjoint(b, map, of, g);
      verifyGraph(b.finish("adjoint", [{ name: "dx", kind: "value", node: adjoint }], []));
      const found = evaluateNodes([adjoint], around(new Map([["g", value]])))[0];
      expect(found?.data, `${seed}: adjoint of ${access.printMap(map)}`).toEqual(wanted);
    }
  });

  it("and the adjoint's adjoint reads as the view does", () => {
    for (const seed of seeds.slice(0, 60)) {
      const next = numbers(seed + 3000);
      const [of, shape] = [someShape(next), someShape(next)];
      const map = randomMap(next, shape, of);
      const b = new Builder();
      const leaf = (path: string, at: readonly number[]) => b.leaf({ kind: "input", path, type: { dtype: "f32", shape: at } });
      const [u, v] = [leaf("u", of), leaf("v", shape)];
      const dot = (x: typeof u, y: typeof u) => b.reduce("sum", b.mul(x, y), x.type.shape.map((_, a) => a));
      const values = new Map([["u", fill(of, () => next() - 0.5)], ["v", fill(shape, () => next() - 0.5)]]);
      const [left, right] = evaluateNodes([dot(v, b.view(u, map)), dot(viewAdjoint(b, map, of, v), u)], around(values));
      expect(left?.data[0], access.printMap(map)).toBeCloseTo(right?.data[0] ?? Number.NaN, 12);
    }
  });
});

describe("adjoints have the form one would write", () => {
  const b = new Builder();
  const leaf = (shape: readonly dims.Dim[]) => b.leaf({ kind: "input", path: "g", type: { dtype: "f32", shape } });
  const N = dims.sym("N");

  it("a broadcast over the batch is a sum without any view", () => {
    const map: AccessMap = { shape: [N, 4], index: [access.whole(access.unit(1, 2))], guards: [] };
    const adjoint = viewAdjoint(b, map, [4], leaf([N, 4]));
    expect(adjoint.op).toBe("reduce");
    expect(adjoint.inputs[0]?.op).toBe("leaf");
  });

  it("a transpose is a transpose without guards", () => {
    const map: AccessMap = { shape: [4, N], index: [access.whole(access.unit(1, 2)), access.whole(access.unit(0, 2))], guards: [] };
    const adjoint = viewAdjoint(b, map, [N, 4], leaf([4, N]));
    expect(adjoint.op === "view" && access.printMap(adjoint.attrs.map)).toBe("[N, 4] <- [i1, i0]");
  });

  it("a slice pads", () => {
    const map: AccessMap = { shape: [3], index: [access.whole(access.affine(2, [1]))], guards: [] };
    const adjoint = viewAdjoint(b, map, [6], leaf([3]));
    expect(adjoint.op === "view" && access.printMap(adjoint.attrs.map)).toBe("[6] <- [i0 - 2] where -1*i0 + 4 >= 0, i0 - 2 >= 0");
  });

  it("a window sums over the window, not over the signal", () => {
    const map: AccessMap = { shape: [8, 3], index: [access.whole(access.affine(0, [1, 1]))], guards: [] };
    const adjoint = viewAdjoint(b, map, [10], leaf([8, 3]));
    expect(adjoint.inputs[0]?.type.shape).toEqual([10, 3]);
  });
});
