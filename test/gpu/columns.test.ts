/** Folds down columns that a workgroup shares, and products with a vector: against plain arithmetic and the f64 evaluator, at sizes around those of a workgroup. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bind, bindNest } from "../../kernels/bind.ts";
import { columns } from "../../kernels/columns.ts";
import { profiles } from "../../kernels/profiles.ts";
import { verifyKernels } from "../../kernels/verify-kernel.ts";
import type { Values } from "../../src/harness/runtime/engine.ts";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { evaluate, sym } from "../../src/ir/dims.ts";
import type { Bindings, Dim } from "../../src/ir/dims.ts";
import type { Nest, Stmt } from "../../src/ir/kernel.ts";
import { op } from "../../src/ir/scalar.ts";
import { openSession } from "../../src/session.ts";
import { opened, program } from "../language/kit.ts";
import { address, at, difference, int, mul, NestWriter, num, numbers } from "./nests.ts";
import { buffer, runSchedule, scheduleOf } from "./run-nests.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

const profile = profiles.gpu;

/** Of each column of x [a, rows, columns]: Σ x y, the largest y where x > 0, its first place in y, and Σ x of what is left of all planes. */
function folds(planes: number, rows: Dim, count: Dim, capacity: Bindings = {}): Nest {
  const w = new NestWriter();
  const c = w.axis("c", count, capacity);
  const [R, C] = [evaluate(rows, capacity), c.capacity];
  const [x, y] = [buffer("x", [planes, R, C], "input"), buffer("y", [planes, R, C], "input")];
  const body: Stmt[] = [];
  const fold = (monoid: "sum" | "max" | "argmax", of: (inner: Stmt[], x: ReturnType<typeof num>, y: ReturnType<typeof num>) => { value: ReturnType<typeof num>; mask?: ReturnType<typeof num> }): ReturnType<NestWriter["fold"]> => {
    const [p, r] = [w.axis("p", planes), w.axis("r", rows, capacity)];
    return w.fold(body, monoid, [p, r], (inner) => {
      const index = address([p, R * C], [r, C], [c, 1]);
      return of(inner, w.load(inner, x, index), w.load(inner, y, index));
    });
  };
  const results = [
    fold("sum", (_, u, v) => ({ value: mul(u, v) }))[0],
    fold("max", (_, u, v) => ({ value: v, mask: op(">", "bool", [u, num(0)]) }))[0],
    op("cast", "f32", [fold("argmax", (_, __, v) => ({ value: op("floor", "f32", [mul(v, num(4))]) }))[1] ?? int(0)]),
    fold("sum", (_, u) => ({ value: u }))[0],
  ];
  results.forEach((value, k) => {
    if (value) body.push({ kind: "store", buffer: buffer(`o${k}`, [count], "output", { capacity }), index: at(c), value });
  });
  return w.nest("folds", "reduce", [c], body);
}

async function run(nest: Nest, inputs: Readonly<Record<string, Values>>, live: Bindings, capacity: Bindings): Promise<Readonly<Record<string, Values>>> {
  const kernel = columns(nest, profile, "reduce");
  verifyKernels([kernel], profile);
  return await runSchedule(gpu.device, { schedule: scheduleOf({ nests: [nest] }), kernels: [kernel], inputs, live, capacity, profile });
}

async function check(planes: number, rows: Dim, count: Dim, live: Bindings = {}, capacity: Bindings = {}): Promise<void> {
  const [R, C, r, c] = [evaluate(rows, capacity), evaluate(count, capacity), evaluate(rows, live), evaluate(count, live)];
  const [x, y] = [numbers(planes * R * C, R), numbers(planes * R * C, C + 7)];
  const want: readonly number[][] = [[], [], [], []];
  for (let j = 0; j < c; j++) {
    let [products, most, sum, first, greatest] = [0, -3.4028234663852886e38, 0, 0, -Infinity];
    for (let p = 0; p < planes; p++) for (let i = 0; i < r; i++) {
      const [u, v] = [x[(p * R + i) * C + j] ?? 0, y[(p * R + i) * C + j] ?? 0];
      products += u * v;
      sum += u;
      if (u > 0) most = Math.max(most, v);
      if (Math.floor(v * 4) > greatest) [greatest, first] = [Math.floor(v * 4), p * r + i];
    }
    [products, most, first, sum].forEach((value, k) => want[k]?.push(value));
  }
  // What is not live is no number.
  for (let p = 0; p < planes; p++) for (let i = 0; i < R; i++) for (let j = 0; j < C; j++) if (i >= r || j >= c) x[(p * R + i) * C + j] = y[(p * R + i) * C + j] = Number.NaN;
  const [found, again] = [await run(folds(planes, rows, count, capacity), { x, y }, live, capacity), await run(folds(planes, rows, count, capacity), { x, y }, live, capacity)];
  want.forEach((values, k) => {
    expect(difference((found[`o${k}`] ?? []).slice(0, c), values), `o${k}`).toBeLessThan(1e-5);
  });
  expect(again).toEqual(found);
}

describe("columns", () => {
  it.each([[1, 1, 1], [1, 2, 3], [1, 7, 8], [3, 16, 17], [1, 64, 31], [1, 65, 64], [2, 127, 33], [1, 129, 7], [1, 1000, 16]])("%i planes, %i rows, %i columns", (planes, rows, count) => check(planes, rows, count));

  it("reads nothing beyond what is live", async () => {
    const [N, capacity] = [sym("N"), { N: 100 }];
    for (const live of [1, 8, 63, 100]) {
      await check(1, N, 24, { N: live }, capacity);
      await check(2, 70, N, { N: live }, capacity);
    }
  });

  it("is chosen where folds go down columns and are few, and left out by its name", () => {
    const family = (nest: Nest, off: readonly string[] = []): string => bind(scheduleOf({ nests: [nest] }), profile, { off: new Set(off) })[0]?.family ?? "";
    expect(family(folds(1, 1000, 200))).toBe("reduce-columns");
    expect(family(folds(1, 100, 100))).not.toMatch(/columns/);
    expect(family(folds(1, 1000, 100_000))).not.toMatch(/columns/);
    expect(family(folds(1, 20, 200))).not.toMatch(/columns/);
    expect(family(folds(1, 1000, 200), ["columns"])).toBe("reduce-workgroup");
    expect(bindNest(folds(1, 1000, 200), profiles.software).family).not.toMatch(/columns/);
  });

  it("sums long columns and rows in two stages, and multiplies by vectors", { timeout: 120_000 }, async () => {
    for (const [m, n] of [[7001, 40], [4099, 9], [300, 1100]] as const) {
      const source = `input a: f32[${m}, ${n}]\ninput u: f32[${m}]\ninput v: f32[${n}]\noutput down = sum(a, axis = 0)\noutput most = max(a, axis = 0)\noutput first = argmax(a, axis = 0)
output total = sum(a^2)\noutput along = sum(a, axis = 1)\noutput av[i] = sum[k] a[i, k] * v[k]\noutput ua[j] = tanh(sum[k] u[k] * a[k, j])`;
      const families = program(source).lower("predict", { capacity: {}, profile }).kernels.flatMap((k) => [k.family, ...(k.members ?? []).map((x) => x.family)]);
      // Products with a vector are shared where they are large.
      expect(families.includes("reduce-columns"), families.join()).toBe(true);
      if (n === 1100) expect(families.filter((f) => f === "reduce-workgroup").length, families.join()).toBeGreaterThan(1);
      const single = { a: numbers(m * n, 1), u: numbers(m, 2), v: numbers(n, 3) };
      const feed = Object.fromEntries(Object.entries(single).map(([name, values]) => [name, Array.from(values)]));
      const exact = await (await opened(source)).predict(feed);
      const session = await openSession(program(source), { device: gpu.device, software: false });
      const [once, again] = [await session.predict(feed), await session.predict(feed)];
      session.close();
      for (const [name, { data }] of Object.entries(exact)) {
        expect(difference(once[name]?.data ?? [], data), `${name} of ${m} x ${n}`).toBeLessThan(2e-6 * Math.sqrt(name === "total" ? m * n : Math.max(m, n)));
        expect(once[name]?.data.every((value, i) => Object.is(value, again[name]?.data[i])), `${name}, run again`).toBe(true);
      }
    }
  });
});
