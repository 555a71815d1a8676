/** Functions that move tensors, whole numbers and conditions, casts, slices and spellings, against what one would write by hand. */
import { describe, expect, it } from "vitest";
import { errorsOf, expectGradients, near, numbers, outputs, range } from "./kit.ts";

const x = numbers(2 * 3 * 4, 1);
const at = (n: number, i: number, j: number): number => x[(n * 3 + i) * 4 + j] as number;
const each = (f: (n: number, i: number, j: number) => number, [a, b, c] = [2, 3, 4]): number[] => range(a as number).flatMap((n) => range(b as number).flatMap((i) => range(c as number).map((j) => f(n, i, j))));
const out = async (lines: string, feed: Record<string, number[]> = { x }): Promise<Record<string, number[]>> => outputs(`input x: f32[N, 3, 4]\n${lines}`, feed);
const shapeErrors = (lines: string): string[] => errorsOf(`input x: f32[N, 3, 4]\n${lines}`);

describe("movement", () => {
  it("concat and stack, along any axis, counted from either end", async () => {
    const found = await out("output a = concat(x, 2 * x, axis = 1)\noutput b = concat(x, x[:, :, 0..1])\noutput c = concat(x, x, axis = 0)\noutput d = stack(x, -x)\noutput e = stack(x, -x, axis = 2)\noutput f = stack(x, -x, axis = -1)\noutput g = concat(x, x, axis = -2)");
    near(found.a, each((n, i, j) => (i < 3 ? at(n, i, j) : 2 * at(n, i - 3, j)), [2, 6, 4]));
    near(found.b, each((n, i, j) => at(n, i, j % 4), [2, 3, 5]));
    near(found.c, [...x, ...x]);
    near(found.d, [...x, ...x.map((v) => -v)]);
    near(found.e, range(6).flatMap((r) => [...x.slice(4 * r, 4 * r + 4), ...x.slice(4 * r, 4 * r + 4).map((v) => -v)]));
    near(found.f, x.flatMap((v) => [v, -v]));
    near(found.g, each((n, i, j) => at(n, i % 3, j), [2, 6, 4]));
  });

  it("split gives its parts as several results", async () => {
    const found = await out("a, b = split(x, 2)\nc, d, e = split(x, 3, axis = 1)\nf, g = split(x, [1, 3], axis = -1)\noutput a\noutput b\noutput d\noutput f\noutput g\noutput h = c - e");
    near(found.a, each((n, i, j) => at(n, i, j), [2, 3, 2]));
    near(found.b, each((n, i, j) => at(n, i, j + 2), [2, 3, 2]));
    near(found.d, each((n, _, j) => at(n, 1, j), [2, 1, 4]));
    near(found.f, each((n, i) => at(n, i, 0), [2, 3, 1]));
    near(found.g, each((n, i, j) => at(n, i, j + 1), [2, 3, 3]));
    near(found.h, each((n, _, j) => at(n, 0, j) - at(n, 2, j), [2, 1, 4]));
  });

  it("flip, pad, broadcast, reshape, flatten and transpose", async () => {
    const found = await out("output a = flip(x, axis = 2)\noutput b = flip(x, axis = [0, 1])\noutput c = pad(x, 1, axis = 2)\noutput d = pad(x, [0, 2], axis = 1, value = 7)\noutput e = broadcast(x[0], 2, 3, 4)\noutput f = reshape(x, N, 2, 6)\noutput g = flatten(x)\noutput h = transpose(x)\noutput k = transpose(x, 2, 0, 1)\noutput l = pad(x[0], 1)");
    near(found.a, each((n, i, j) => at(n, i, 3 - j)));
    near(found.b, each((n, i, j) => at(1 - n, 2 - i, j)));
    near(found.c, each((n, i, j) => (j >= 1 && j <= 4 ? at(n, i, j - 1) : 0), [2, 3, 6]));
    near(found.d, each((n, i, j) => (i < 3 ? at(n, i, j) : 7), [2, 5, 4]));
    near(found.e, each((_, i, j) => at(0, i, j)));
    near(found.f, x);
    near(found.g, x);
    near(found.h, each((n, j, i) => at(n, i, j), [2, 4, 3]));
    near(found.k, each((j, n, i) => at(n, i, j), [4, 2, 3]));
    near(found.l, range(5).flatMap((i) => range(6).map((j) => (i >= 1 && i <= 3 && j >= 1 && j <= 4 ? at(0, i - 1, j - 1) : 0))));
  });

  it("keep gradients in place", async () => {
    await expectGradients(
      "param W: f32[3, 4] ~ normal(0, 1)\ninput x: f32[N, 3, 4]\na, b = split(W, 2)\np = pad(flip(W, axis = 1), [1, 0], axis = 0, value = 2)\ns = stack(a, b, axis = 1)\nloss = sum(sin(p)) + sum(s^3) + sum(concat(W, broadcast(W[0], 2, 4), axis = 0)^2) + mean(x * W)",
      { x },
    );
  });

  it("and say what does not fit", () => {
    expect(shapeErrors("output a = concat(x, x[:, 0])")[0]).toMatch(/^E0202 .* cannot be joined along axis 2/);
    expect(shapeErrors("output a = stack(x, x[0])")[0]).toMatch(/^E0202 what is stacked has one shape/);
    expect(shapeErrors("a, b, c = split(x, 3)\noutput a")[0]).toBe("E0202 an axis of 4 cannot be split into 3 equal parts");
    expect(shapeErrors("a, b = split(x, [1, 2])\noutput a")[0]).toBe("E0202 an axis of 4 cannot be split into these sizes");
    expect(shapeErrors("output a = flip(x, axis = 3)")[0]).toBe("E0212 there is no axis 3 here");
    expect(shapeErrors("output a = pad(x, -1)")[0]).toMatch(/^E0209 the width of `pad`/);
    expect(shapeErrors("output a = pad(x, 1, value = x)")[0]).toMatch(/^E0202 the value around is one number/);
    expect(shapeErrors("output a = broadcast(x, 3, 4)")[0]).toMatch(/^E0202 .* cannot be repeated to/);
    expect(shapeErrors("output a[n] = flip(x[n, 0, 0], axis = 0)")[0]).toMatch(/^E0210/);
  });
});

describe("slices and lists in brackets", () => {
  it("take ranges, whole axes, what is not written, and lists", async () => {
    const found = await out("output a = x[:, 1..3]\noutput b = x[0..1, ..., 2]\noutput c = x[..., 1..2]\np = [3, 0, 3]\noutput d = x[:, :, p]\noutput e = x[0]\noutput f = x[N - 1, 0]\noutput g = x[:, 2..2]");
    near(found.a, each((n, i, j) => at(n, i + 1, j), [2, 2, 4]));
    near(found.b, range(3).map((i) => at(0, i, 2)));
    near(found.c, each((n, i) => at(n, i, 1), [2, 3, 1]));
    near(found.d, each((n, i, j) => at(n, i, [3, 0, 3][j] as number), [2, 3, 3]));
    near(found.e, x.slice(0, 12));
    near(found.f, range(4).map((j) => at(1, 0, j)));
    near(found.g, []);
  });
});

describe("whole numbers and conditions", () => {
  const [a, b] = [[7, -7, 7, -7, 0, 6], [2, 2, -2, -2, 5, -3]];
  const two = async (lines: string): Promise<Record<string, number[]>> => outputs(`input a: i32[N]\ninput b: i32[N]\n${lines}`, { a, b });

  it("`//` rounds down and `%` has the sign of its right side, so a = b * (a // b) + a % b", async () => {
    const found = await two("output q = a // b\noutput r = a % b\noutput back = b * (a // b) + a % b\noutput real = a / b\noutput abs_ = abs(a)\noutput sign_ = sign(a)\noutput most = max(a, b)\noutput least = min(a, b)\noutput minus = -a");
    near(found["q"], [3, -4, -4, 3, 0, -2]);
    near(found["r"], [1, 1, -1, -1, 0, 0]);
    near(found["back"], a);
    near(found["real"], a.map((v, k) => v / (b[k] as number)));
    near(found["abs_"], a.map(Math.abs));
    near(found["sign_"], a.map(Math.sign));
    near(found["most"], a.map((v, k) => Math.max(v, b[k] as number)));
    near(found["least"], a.map((v, k) => Math.min(v, b[k] as number)));
    near(found["minus"], a.map((v) => -v));
  });

  it("conditions count as 0 and 1, and stay whole among whole numbers", async () => {
    const found = await two("output s = (a > 0) + (b > 0)\noutput t = 3 * (a > b) - 1\noutput u = sum(a > 0)\noutput v = mean(b > 0)\noutput w = (a > 0) == (b > 0)\noutput e = [10, 20, 30, 40][max(0, (a > 0) + 2 * (b > 0))]\noutput z = (a > 0 or b > 0) and not (a == b)");
    const [p, q] = [a, b].map((list) => list.map((v) => Number(v > 0))) as [number[], number[]];
    near(found["s"], p.map((v, k) => v + (q[k] as number)));
    near(found["t"], a.map((v, k) => 3 * Number(v > (b[k] as number)) - 1));
    near(found["u"], [3]);
    near(found["v"], [0.5]);
    near(found["w"], p.map((v, k) => Number(v === q[k])));
    near(found["e"], p.map((v, k) => 10 * (1 + v + 2 * (q[k] as number))));
    near(found["z"], p.map((v, k) => Number(v + (q[k] as number) > 0)));
  });

  it("sums, extrema and positions of whole numbers are whole; means, products and counts are real", async () => {
    const found = await two("output s = sum(a) // 4\noutput t[n in 0..N] = a[n] + sum[m where m < n] b[m]\noutput u = max(a) // 4\noutput v = mean(a)\noutput w = [5, 6, 7, 8, 9][min(4, max(0, sum[m] i32(a[m] > 0)))]");
    near(found["s"], [1]);
    near(found["t"], a.map((v, n) => v + b.slice(0, n).reduce((p, q) => p + q, 0)));
    near(found["u"], [1]);
    near(found["v"], [1]);
    near(found["w"], [8]);
  });

  it("casts cut towards 0, and 0 is false", async () => {
    const found = await outputs("input x: f32[N]\noutput i = i32(x)\noutput u = u32(x)\noutput b = bool(x)\noutput f = f32(i32(x)) / 2\noutput k = i32(-1.7) + u32(2.9)*0 + i32(true)\noutput w = u32(x) * 3 // 2 + u32(x) % 2".replace(" + u32(2.9)*0", ""), { x: [-1.5, 0, 2.7, 3] });
    near(found["i"], [-1, 0, 2, 3]);
    near(found["u"], [0, 0, 2, 3]);
    near(found["b"], [1, 0, 1, 1]);
    near(found["f"], [-0.5, 0, 1, 1.5]);
    near(found["k"], [0]);
    near(found["w"], [0, 0, 3, 5]);
  });

  it("what has no meaning is refused in its words", () => {
    const error = (expr: string): string | undefined => errorsOf(`input a: i32[N]\ninput x: f32[N]\noutput c = ${expr}`)[0];
    expect(error("0 < a < 3")).toBe("E0009 comparisons do not chain");
    expect(error("not x")).toBe("E0208 `not` needs conditions, and this is f32");
    expect(error("a and true")).toMatch(/^E0208/);
    expect(error("u32(a) - 1")).toBe("E0218 `-` has no meaning for u32, which has no negative numbers");
    expect(error("u32(a) + a")).toBe("E0218 `+` of u32 and i32");
    expect(error("any(x)")).toMatch(/^E0208/);
    expect(error("x[0.5]")).toBe("E0208 an index is a whole number, and this is f32");
  });
});

describe("spellings", () => {
  it("mathematics stands beside ASCII", async () => {
    const unicode = "param W: f32[4] ~ ones\noutput a[n] = ∑[i, j] x[n, i, j] · W[j]\noutput b[n] = ∏[j] x[n, 0, j]\noutput c = x ⊙ x\noutput d = x ≠ 2 and x ≤ 1 and x ≥ -1\noutput e = π * x\ns = sum(W^2)\noutput f = ∇(s, W)";
    const ascii = "param W: f32[4] ~ ones\noutput a[n] = sum[i, j] x[n, i, j] * W[j]\noutput b[n] = prod[j] x[n, 0, j]\noutput c = x * x\noutput d = x != 2 and x <= 1 and x >= -1\noutput e = pi * x\ns = sum(W^2)\noutput f = grad(s, W)";
    expect(await out(unicode)).toEqual(await out(ascii));
  });

  it("constants, bindings and several lines", async () => {
    const text = "const width = 3\nconst half = width // 2\nmodel M(scale = 2) {\n  input x: f32[N, width]\n  twice = scale * half\n  output y = (x +\n    twice) *\n    [1, 10, 100]\n}";
    near((await outputs(text, { x: [1, 2, 3] })).y, [3, 40, 500]);
  });

  it("the library's small functions", async () => {
    const found = await outputs("input x: f32[N, 3]\ninput y: i32[N] in 0..3\noutput a = round(x)\noutput b = ceil(x)\noutput c = tan(x) * cos(x) - sin(x)\noutput d = cumsum(x)\noutput e = one_hot(y, 3)", { x: [1.5, -1.5, 0.2, 2, -0.2, 0.7], y: [2, 0] });
    near(found["a"], [2, -1, 0, 2, 0, 1]);
    near(found["b"], [2, -1, 1, 2, 0, 1]);
    near(found["c"], range(6).map(() => 0));
    near(found["d"], [1.5, 0, 0.2, 2, 1.8, 2.5]);
    near(found["e"], [0, 0, 1, 1, 0, 0]);
  });
});
