/**
 * Running sums, orders and matrices in programs: values against plain loops, first and second derivatives against central differences,
 * and the device, as either class, against f64.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { openSession } from "../../src/session.ts";
import { errorsOf, near, numbers, opened, outputs, program, range, sum, type Numbers } from "../language/kit.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

type Found = Readonly<Record<string, readonly number[]>>;

/** The outputs on the device, bound for processors and for real GPUs. */
async function onDevice(text: string, feed: Numbers): Promise<readonly Found[]> {
  const found: Found[] = [];
  for (const software of [true, false]) {
    const session = await openSession(program(text), { device: gpu.device, software, seed: 3 });
    const values = await session.predict(feed);
    found.push(Object.fromEntries(Object.entries(values).map(([name, { data }]) => [name, [...data]])));
    session.close();
  }
  return found;
}

/** Numbers that f32 holds. */
const rounded = (n: number, seed = 1): number[] => numbers(n, seed).map(Math.fround);

async function expectDevice(text: string, feed: Numbers, tolerance: number): Promise<Found> {
  const exact = await outputs(text, feed);
  for (const found of await onDevice(text, feed)) for (const [name, values] of Object.entries(exact)) near(found[name], values, tolerance);
  return exact;
}

describe("cumsum", () => {
  const text = `input x: f32[N, 5]
output a = cumsum(x)
output b = cumsum(x, reverse = true)
output c = cumsum(x, axis = 0, exclusive = true)
output d = cumsum(x, axis = -2, reverse = true, exclusive = true)
output e = cumsum(x > 0, axis = 1)
output f = cumsum(i32(x), axis = 0)
output g = grad(sum(cumsum(x, axis = 0) * sin(x)), x)`;

  it("sums up to each place, both ways, with and without the place itself", async () => {
    const x = rounded(15);
    const at = (n: number, i: number): number => x[5 * n + i] ?? 0;
    const over = (value: (n: number, i: number) => number): number[] => range(3).flatMap((n) => range(5).map((i) => value(n, i)));
    const found = await expectDevice(text, { x }, 2e-6);
    near(found["a"], over((n, i) => sum(range(i + 1).map((j) => at(n, j)))));
    near(found["b"], over((n, i) => sum(range(5 - i, i).map((j) => at(n, j)))));
    near(found["c"], over((n, i) => sum(range(n).map((m) => at(m, i)))));
    near(found["d"], over((n, i) => sum(range(2 - n, n + 1).map((m) => at(m, i)))));
    near(found["e"], over((n, i) => sum(range(i + 1).map((j) => (at(n, j) > 0 ? 1 : 0)))));
    near(found["f"], over((n, i) => sum(range(n + 1).map((m) => Math.trunc(at(m, i))))));
    near(found["g"], over((n, i) => sum(range(3 - n, n).map((m) => Math.sin(at(m, i)))) + Math.cos(at(n, i)) * sum(range(n + 1).map((m) => at(m, i)))));
  });

  it("keeps f32 accuracy over long lines, in work that is linear", async () => {
    const n = 30_000;
    const x = range(n).map((k) => Math.fround(0.5 + ((k * 7919) % 1000) / 1000));
    const found = await expectDevice(`input x: f32[${n}]\noutput a = cumsum(x)`, { x }, 3e-6);
    expect(found["a"]?.at(-1)).toBeCloseTo(sum(x), 6);
  });

  it("largest, smallest and products up to each place, which the library writes as formulas", async () => {
    const x = [2, -1, 3, 0.5, 1, 4];
    const found = await expectDevice("input x: f32[N, 3]\noutput a = cummax(x)\noutput b = cummin(x)\noutput c = cumprod(x)\noutput g = grad(sum(cumprod(x) * [1, 10, 100]), x)", { x }, 1e-6);
    expect(found).toMatchObject({ a: [2, 2, 3, 0.5, 1, 4], b: [2, -1, -1, 0.5, 0.5, 0.5], c: [2, -2, -6, 0.5, 0.5, 2] });
    near(found["g"], [1 - 10 - 300, 20 + 600, -200, 1 + 10 + 400, 5 + 200, 50]);
  });

  it("refuses a number, an axis that is not there, and index notation", () => {
    expect(errorsOf("input x: f32[N]\noutput a = cumsum(3)")).toEqual(["E0212 what is summed needs an axis, and this is one number"]);
    expect(errorsOf("input x: f32[N]\noutput a = cumsum(x, axis = 1)")).toEqual(["E0212 there is no axis 1 here"]);
    expect(errorsOf("input x: f32[N]\noutput a[n] = cumsum(x[n])")).toEqual(["E0210 inside index notation every value is one number"]);
    expect(errorsOf("input x: f32[N]\noutput a = cumsum(x, reverse = x)")[0]).toMatch(/E0209 an option must be known/);
  });
});

describe("in the turns of a scan", () => {
  // Each turn sorts, and adds up along an axis, what the turn before it made.
  const text = `input x: f32[N, 6]
h = scan k in 0..3 with h = x { tanh(cumsum(sort(h) * (k - 1.5), axis = 1)) }
output last = h[2]
output slope = grad(sum(h[2]^2), x)`;

  it("they go as they go outside", async () => {
    const x = rounded(24);
    const found = await expectDevice(text, { x }, 5e-6);
    const turn = (row: readonly number[], k: number): number[] => {
      const up = [...row].sort((a, b) => a - b).map((v) => v * (k - 1.5));
      return up.map((_, i) => Math.tanh(sum(up.slice(0, i + 1))));
    };
    near(found["last"], range(4).flatMap((n) => range(3).reduce((row, k) => turn(row, k), x.slice(6 * n, 6 * n + 6))));
  });
});

describe("argsort, sort and top_k", () => {
  /** Many ties. */
  const ties = (n: number): number[] => range(n).map((k) => ((k * 37 + 11) % 7) - 3);
  const order = (x: readonly number[], descending: boolean): number[] => range(x.length).sort((a, b) => ((x[a] ?? 0) - (x[b] ?? 0)) * (descending ? -1 : 1) || a - b);

  it.each([1, 2, 3, 17, 64, 65, 1000])("of %i numbers with ties are the same on f64 and on the device", async (n) => {
    const text = `input x: f32[${n}]\noutput up = argsort(x)\noutput down = argsort(x, descending = true)\noutput s = sort(x)\noutput r = ranks(x)`;
    const found = await expectDevice(text, { x: ties(n) }, 0);
    expect(found["up"]).toEqual(order(ties(n), false));
    expect(found["down"]).toEqual(order(ties(n), true));
    expect(found["s"]).toEqual(order(ties(n), false).map((k) => ties(n)[k]));
    expect(found["r"]).toEqual(range(n).map((k) => order(ties(n), false).indexOf(k)));
  });

  it("along any axis, of a batch that data decides, of whole numbers", async () => {
    const x = rounded(3 * 4 * 2, 2);
    const text = "input x: f32[N, 4, 2]\ninput k: i32[N]\noutput a = sort(x, axis = 1)\noutput b = sort(x, axis = 0, descending = true)\noutput c = argsort(k)\noutput d = sort(x)";
    const found = await expectDevice(text, { x, k: [5, -2147483648, 5] }, 0);
    const at = (n: number, i: number, j: number): number => x[8 * n + 2 * i + j] ?? 0;
    const ascending = (a: number, b: number): number => a - b;
    near(found["a"], range(3).flatMap((n) => range(4).flatMap((i) => range(2).map((j) => range(4).map((m) => at(n, m, j)).sort(ascending)[i] ?? 0))));
    near(found["b"], range(3).flatMap((n) => range(4).flatMap((i) => range(2).map((j) => range(3).map((m) => at(m, i, j)).sort(ascending).reverse()[n] ?? 0))));
    expect(found["c"]).toEqual([1, 0, 2]);
    near(found["d"], range(12).flatMap((r) => x.slice(2 * r, 2 * r + 2).sort(ascending)));
  });

  it("top_k gives values and places, the first of equal ones first; the gradient goes to the places", async () => {
    const text = `input x: f32[N, 4]
v, p = top_k(x, 2)
w, q = top_k(x, 1, largest = false)
output values = v
output places = p
output least = w
output where_least = q
output g = grad(sum(v * [[1, 10]]), x)`;
    const found = await expectDevice(text, { x: [3, 7, 7, 1, 0, 0, -1, 0] }, 0);
    expect(found).toMatchObject({ values: [7, 7, 0, 0], places: [1, 2, 0, 1], least: [1, -1], where_least: [3, 2], g: [0, 1, 10, 0, 1, 10, 0, 0] });
    expect(errorsOf("input x: f32[N, 4]\nv, p = top_k(x, 5)\noutput a = v")[0]).toMatch(/no more than n elements/);
  });

  it("the gradient of a sorted row, to second order", async () => {
    const text = "input x: f32[6]\ninput V: f32[6]\nq = sum(sort(x) * sort(sin(x), descending = true) ^ 2)\noutput f = q\noutput g = grad(q, x)\noutput h = hvp(q, x, V)";
    await expectDerivatives(text, "x", numbers(6, 4), [1, -2, 3, 0.5, -1, 2]);
  });

  it("the gradient of a long sorted line goes through the inverse order, along any axis and over a batch that data decides", async () => {
    const text = (axis: number, shape: string): string => `input x: f32[${shape}]\nq = sum(sort(x, axis = ${axis}, descending = true) * sin(sort(x, axis = ${axis})))\noutput q\noutput g = grad(q, x)`;
    for (const [axis, shape, count] of [[0, "70", 70], [0, "80, 2", 160], [1, "2, 3, 66", 396], [2, "2, 3, 66", 396], [0, "N", 90]] as const) {
      const x = rounded(count, 2);
      const program = text(axis, shape);
      const found = await expectDevice(program, { x }, 1e-4);
      const session = await opened(program);
      const v = numbers(count, 9);
      const at = async (by: number): Promise<number> => (await session.predict({ x: x.map((u, k) => u + by * (v[k] ?? 0)) }))["q"]?.data[0] ?? Number.NaN;
      const slope = ((await at(1e-6)) - (await at(-1e-6))) / 2e-6;
      expect(Math.abs(sum((found["g"] ?? []).map((g, k) => g * (v[k] ?? 0))) - slope)).toBeLessThan(1e-4);
    }
  });

  it("quantile and median", async () => {
    const text = "input x: f32[N, 5]\noutput a = median(x)\noutput b = quantile(x, 0.3)\noutput c = quantile(x, 1)\noutput d = quantile(x, 0)\noutput e = median(x[:, 0..4])";
    const found = await expectDevice(text, { x: [5, 1, 4, 2, 3] }, 1e-6);
    near([found["a"], found["b"], found["c"], found["d"], found["e"]].flatMap((v) => [...(v ?? [])]), [3, 2.2, 5, 1, 3], 1e-9);
  });

  it("take_along refuses places that may lie outside, that are no integers, or of another shape", () => {
    expect(errorsOf("input x: f32[N, 3]\ninput p: i32[N, 2] in 0..4\noutput a = take_along(x, p)")[0]).toMatch(/^E0205/);
    expect(errorsOf("input x: f32[N, 3]\noutput a = take_along(x, x)")[0]).toMatch(/^E0208 places are whole numbers/);
    expect(errorsOf("input x: f32[N, 3]\ninput p: i32[N] in 0..3\noutput a = take_along(x, p)")[0]).toMatch(/^E0202/);
  });
});

/**
 * Of a program with `f` of `name`, its gradient `g` and its Hessian times the input `V` as `h`: both against central differences,
 * of f along every axis where there are few and else along v, of g along v.
 */
async function expectDerivatives(text: string, name: string, at: readonly number[], v: readonly number[]): Promise<void> {
  const session = await opened(text);
  const moved = async (by: number, direction: readonly number[] = v): Promise<Found> => {
    const found = await session.predict({ [name]: at.map((a, k) => a + by * (direction[k] ?? 0)), V: [...v] });
    return Object.fromEntries(Object.entries(found).map(([key, { data }]) => [key, [...data]]));
  };
  const close = (claimed: number, measured: number, what: string): void =>
    expect(Math.abs(claimed - measured), `${text}\n${what} is ${claimed} where ${measured} is measured`).toBeLessThan(1e-5 + 1e-3 * Math.abs(measured));
  const difference = (up: Found, down: Found, key: string, k: number): number => ((up[key]?.[k] ?? Number.NaN) - (down[key]?.[k] ?? Number.NaN)) / 2e-6;
  const found = await moved(0);
  const directions = at.length <= 9 ? at.map((_, k) => at.map((_a, i) => Number(i === k))) : [v];
  for (const direction of directions) {
    const [up, down] = [await moved(1e-6, direction), await moved(-1e-6, direction)];
    close(sum((found["g"] ?? []).map((g, k) => g * (direction[k] ?? 0))), difference(up, down, "f", 0), "the slope");
  }
  const [up, down] = [await moved(1e-6), await moved(-1e-6)];
  expect(found["h"]).toHaveLength(at.length);
  found["h"]?.forEach((h, k) => close(h, difference(up, down, "g", k), `element ${k} of the Hessian times v`));
}

describe("matrices", () => {
  /** A symmetric positive definite matrix, moderately conditioned, whose entries f32 holds. */
  const spd = (n: number, seed = 1): number[] => {
    const m = numbers(n * n, seed).map((x) => x / Math.sqrt(n));
    return range(n * n).map((at) => {
      const [i, j] = [Math.floor(at / n), at % n];
      return Math.fround(sum(range(n).map((k) => (m[i * n + k] ?? 0) * (m[j * n + k] ?? 0))) + (i === j ? 1 : 0));
    });
  };

  const text = (n: number): string => `input A: f32[${n}, ${n}]
input b: f32[${n}]
input B: f32[${n}, 3]
l = cholesky(A)
output L = l
output back = l @ transpose(l)
output x = solve_spd(A, b)
output residual = A @ solve_spd(A, B) - B
output lower = tril(A) @ solve_triangular(A, B) - B
output upper = transpose(tril(A)) @ solve_triangular(A, B, transpose = true) - B
output other = triu(A) @ solve_triangular(A, B, lower = false) - B
output eye = A @ inv_spd(A)
output d = logdet(A)`;
  const around = (lines: string): string => `fn tril(A: f32[n, n]) {\n  B[i in 0..n, j in 0..n] = where(j <= i, A[i, j], 0)\n  return B\n}\nfn triu(A: f32[n, n]) = transpose(tril(transpose(A)))\nmodel M {\n${lines}\n}`;

  it.each([1, 2, 3, 17, 65, 200])("factors and solves of %i", { timeout: 60_000 }, async (n) => {
    const [A, b, B] = [spd(n), rounded(n, 2), rounded(3 * n, 3)];
    // A triangle of a random matrix is badly conditioned as soon as it is large: its diagonal is made to dominate.
    const tame = A.map((v, at) => (Math.floor(at / n) === at % n ? v + 1 : Math.fround(v / Math.sqrt(n))));
    const found = await expectDevice(around(text(n)), { A: tame, b, B }, 2e-4);
    near(found["back"], tame, 1e-10);
    for (const name of ["residual", "lower", "upper", "other"]) near(found[name], B.map(() => 0), 1e-9);
    near(found["eye"], tame.map((_, at) => Number(Math.floor(at / n) === at % n)), 1e-9);
    expect(found["L"]?.every((v, at) => at % n <= Math.floor(at / n) || v === 0)).toBe(true);
    expect(found["d"]?.[0]).toBeCloseTo(2 * sum(range(n).map((i) => Math.log(found["L"]?.[i * n + i] ?? 0))), 9);
  });

  it.each([1, 2, 3, 17, 65, 200])("first and second derivatives of %i", { timeout: 120_000 }, async (n) => {
    const v = numbers(n * n, 7).map((x) => x / n);
    const forms = [
      "q = logdet(A)",
      `W[i in 0..${n}, j in 0..${n}] = sin(f32(3 * i + 5 * j))\n  q = sum(W * cholesky(A))`,
      `b[i in 0..${n}] = cos(f32(i))\n  q = sum(sin(solve_spd(A, b)))`,
      `b[i in 0..${n}, j in 0..2] = cos(f32(i + 2 * j))\n  q = sum(sin(solve_triangular(A, b, transpose = true)) + solve_triangular(A, b, lower = false) ^ 2)`,
    ];
    for (const form of n > 100 ? forms.slice(0, 1) : forms) {
      await expectDerivatives(`input A: f32[${n}, ${n}]\ninput V: f32[${n}, ${n}]\n${form}\noutput f = q\noutput g = grad(q, A)\noutput h = hvp(q, A, V)`, "A", spd(n, 3), v);
    }
  });

  it("the gradient of logdet is the inverse, and batches are solved entry by entry", async () => {
    const lines = "input A: f32[3, 3]\ninput S: f32[N, 2, 2]\ninput b: f32[2, 1]\noutput g = grad(logdet(A), A)\noutput i = inv_spd(A)\noutput s = solve_spd(S, b)\noutput d = logdet(S)";
    const found = await expectDevice(lines, { A: spd(3), S: [2, 0, 0, 4, 5, 3, 3, 2], b: [2, 4] }, 2e-5);
    near(found["g"], found["i"] ?? []);
    near(found["s"], [1, 1, 4 - 12, -6 + 20]);
    near(found["d"], [Math.log(8), Math.log(1)]);
  });

  it("Jacobians of whole factors, of running sums and sorted rows, and within loops", async () => {
    const lines = `input x: f32[4]
input A: f32[3, 3]
y = cumsum(x * x)
s = sort(x)
l = cholesky(A @ transpose(A) + [[2, 0, 0], [0, 2, 0], [0, 0, 2]])
z = fold k in 0..3 with v = x { cumsum(v, reverse = true) * 0.3 + sin(v) }
r = fold k in 0..2 with v = x[0..3] { triangular_solve(A, v) }
J[i, j] = grad(y[i], x)[j]
T[i, j] = grad(s[i], x)[j]
Z[i, j] = grad(z[i], x)[j]
R[i, j, k] = grad(r[i], A)[j, k]
D[i, j, k, m] = grad(l[i, j], A)[k, m]
output y; output s; output l; output z; output r
output J; output T; output Z; output R; output D`;
    const session = await opened(lines);
    const at = { x: [0.4, -1.2, 0.7, 0.1], A: [1, 0.2, -0.3, 0.5, 0.9, 0.1, -0.7, 0.4, 1.3] };
    const found = await session.predict(at);
    for (const [jacobian, value, by] of [["J", "y", "x"], ["T", "s", "x"], ["Z", "z", "x"], ["R", "r", "A"], ["D", "l", "A"]] as const) {
      const columns: number[][] = [];
      for (const k of range(at[by].length)) {
        const moved = async (to: number): Promise<Float64Array | readonly number[]> => (await session.predict({ ...at, [by]: at[by].map((v, i) => (i === k ? v + to : v)) }))[value]?.data as Float64Array;
        const [up, down] = [await moved(1e-6), await moved(-1e-6)];
        columns.push(Array.from(up, (u, i) => (u - (down[i] ?? 0)) / 2e-6));
      }
      const rows = columns[0]?.length ?? 0;
      near([...(found[jacobian]?.data ?? [])], range(rows).flatMap((i) => columns.map((c) => c[i] ?? 0)), 1e-7);
    }
  });

  it("refuses what is not square and what does not fit", () => {
    expect(errorsOf("input A: f32[3, 4]\noutput a = cholesky(A)")).toEqual(["E0202 a square matrix is needed, and this has the shape [3, 4]"]);
    expect(errorsOf("input A: f32[3, 3]\ninput b: f32[4]\noutput a = triangular_solve(A, b)")).toEqual(["E0203 a matrix [3, 3] has no solution for a right side [4]"]);
    expect(errorsOf("input A: f32[3, 3]\noutput a = triangular_solve(A, 1)")[0]).toMatch(/^E0203/);
  });
});
