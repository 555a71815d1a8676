/** Convolutions and poolings of the library against plain loops, and their gradients against central differences. */
import { describe, expect, it } from "vitest";
import { errorsOf, expectGradients, near, numbers, outputs, range, sum } from "../language/kit.ts";

/** N images of C channels. */
interface Images {
  readonly n: number;
  readonly c: number;
  readonly h: number;
  readonly w: number;
  readonly data: readonly number[];
}

const images = (n: number, c: number, h: number, w: number): Images => ({ n, c, h, w, data: numbers(n * c * h * w, 2) });
const inside = (x: Images, i: number, j: number): boolean => i >= 0 && i < x.h && j >= 0 && j < x.w;
const pixel = (x: Images, n: number, c: number, i: number, j: number): number => (inside(x, i, j) ? (x.data[((n * x.c + c) * x.h + i) * x.w + j] as number) : 0);

type Pair = readonly [number, number];

interface Options {
  readonly kernel: Pair;
  readonly stride?: Pair;
  readonly padding?: Pair;
  readonly dilation?: Pair;
  readonly groups?: number;
  readonly flipped?: boolean;
}

const extent = (size: number, kernel: number, stride: number, padding: number, dilation: number): number => Math.floor((size + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;

/** Cross-correlation by loops; K is [filters, channels of a group, h, w]. */
function correlation(x: Images, filters: number, K: readonly number[], b: readonly number[], o: Options): number[] {
  const { kernel: [kh, kw], stride: [sh, sw] = [1, 1], padding: [ph, pw] = [0, 0], dilation: [dh, dw] = [1, 1], groups = 1 } = o;
  const [channels, perGroup] = [x.c / groups, filters / groups];
  const result: number[] = [];
  for (let n = 0; n < x.n; n++)
    for (let f = 0; f < filters; f++)
      for (let i = 0; i < extent(x.h, kh, sh, ph, dh); i++)
        for (let j = 0; j < extent(x.w, kw, sw, pw, dw); j++) {
          let total = b[f] ?? 0;
          const first = Math.floor(f / perGroup) * channels;
          for (let c = 0; c < channels; c++)
            for (let u = 0; u < kh; u++)
              for (let v = 0; v < kw; v++) {
                const at = o.flipped ? [kh - 1 - u, kw - 1 - v] as const : [u, v] as const;
                total += pixel(x, n, first + c, sh * i + dh * u - ph, sw * j + dw * v - pw) * (K[((f * channels + c) * kh + at[0]) * kw + at[1]] as number);
              }
          result.push(total);
        }
  return result;
}

describe("conv2d", () => {
  const x = images(2, 4, 7, 6);
  const cases: Readonly<Record<string, Options>> = {
    "": { kernel: [3, 3] },
    ", kernel = [2, 4]": { kernel: [2, 4] },
    ", stride = 2": { kernel: [3, 3], stride: [2, 2] },
    ", stride = [1, 3], padding = [0, 2]": { kernel: [3, 3], stride: [1, 3], padding: [0, 2] },
    ", padding = 1": { kernel: [3, 3], padding: [1, 1] },
    ", kernel = [3, 2], dilation = [2, 3], padding = 1": { kernel: [3, 2], dilation: [2, 3], padding: [1, 1] },
    ", groups = 2": { kernel: [3, 3], groups: 2 },
    ", groups = 4, padding = 1, stride = 2": { kernel: [3, 3], groups: 4, padding: [1, 1], stride: [2, 2] },
    ", kernel = 1": { kernel: [1, 1] },
  };

  it.each(Object.keys(cases))("conv2d(x, 4%s)", async (args) => {
    const o = cases[args] as Options;
    const K = numbers(4 * (4 / (o.groups ?? 1)) * o.kernel[0] * o.kernel[1], 5);
    const b = [10, 20, 30, 40];
    const { z } = await outputs(`input x: f32[N, 4, 7, 6]\nz = conv2d(x, 4${args})\noutput z`, { x: x.data }, { "M.z.K": K, "M.z.b": b });
    near(z, correlation(x, 4, K, b, o));
  });

  it("convolve2d flips the kernel", async () => {
    const K = numbers(3 * 4 * 2 * 3, 4);
    const { z } = await outputs("input x: f32[N, 4, 7, 6]\nparam K: f32[3, 4, 2, 3] ~ zeros\noutput z = convolve2d(x, K, padding = 1)", { x: x.data }, { "M.K": K });
    near(z, correlation(x, 3, K, [], { kernel: [2, 3], padding: [1, 1], flipped: true }));
  });

  it("conv1d is one row of conv2d, and causal with padding on the left", async () => {
    const s = images(2, 3, 1, 8);
    const K = numbers(2 * 3 * 3, 3);
    const row = (args: string): Promise<Record<string, number[]>> => outputs(`input x: f32[N, 3, 8]\nz = conv1d(x, 2${args})\noutput z`, { x: s.data }, { "M.z.K": K, "M.z.b": [1, 2] });
    near((await row("")).z, correlation(s, 2, K, [1, 2], { kernel: [1, 3] }));
    near((await row(", padding = 1, stride = 2")).z, correlation(s, 2, K, [1, 2], { kernel: [1, 3], padding: [0, 1], stride: [1, 2] }));
    const causal = (await row(", padding = [2, 0]")).z ?? [];
    const wide = correlation(s, 2, K, [1, 2], { kernel: [1, 3], padding: [0, 2] });
    near(causal, range(4).flatMap((r) => wide.slice(r * 10, r * 10 + 8)));
  });

  it("learns by the right gradients, padded, strided, dilated and in groups", async () => {
    const text = (args: string): string => `input x: f32[N, 2, 5, 4]\nz = conv2d(x, 2, kernel = 2${args})\nloss = mean(sin(z))`;
    for (const args of ["", ", padding = 1, stride = 2", ", dilation = [2, 1], bias = false", ", groups = 2"]) await expectGradients(text(args), { x: numbers(80, 3) });
    await expectGradients("input x: f32[N, 2, 5, 4]\ny = conv2d(x, 2, padding = 1)\nz = conv2d(tanh(y), 2, padding = 1)\nloss = mean(sin(z))", { x: numbers(40, 3) });
    await expectGradients("input x: f32[N, 2, 6]\ny = conv1d(x, 2, padding = [2, 0])\nz = conv1d(tanh(y), 2, dilation = 2)\nloss = mean(sin(z))", { x: numbers(24, 3) });
  });

  it("says what does not fit", () => {
    const z = (args: string): string[] => errorsOf(`input x: f32[N, 4, 7, 6]\nz = conv2d(x, 4${args})\noutput z`);
    expect(z(", kernel = 8")).toEqual(["E0211 the kernel must fit into the padded image"]);
    expect(z(", groups = 3")).toEqual(["E0211 channels and filters must be multiples of the groups"]);
    expect(z(", stride = 0")).toEqual(["E0211 stride and dilation are at least 1"]);
    expect(z(", kernel = [2, 2, 2]")[0]).toMatch(/^E0202/);
  });
});

describe("pooling", () => {
  const x = images(2, 3, 7, 6);
  const windows = (k: Pair, s: Pair, p: Pair, join: (values: number[]) => number): number[] =>
    range(x.n).flatMap((n) => range(x.c).flatMap((c) => range(extent(x.h, k[0], s[0], p[0], 1)).flatMap((i) => range(extent(x.w, k[1], s[1], p[1], 1)).map((j) =>
      join(range(k[0]).flatMap((u) => range(k[1]).flatMap((v) => (inside(x, s[0] * i + u - p[0], s[1] * j + v - p[1]) ? [pixel(x, n, c, s[0] * i + u - p[0], s[1] * j + v - p[1])] : []))))))));
  const mean = (values: number[]): number => sum(values) / values.length;

  it.each<[string, Pair, Pair, Pair]>([
    ["", [2, 2], [2, 2], [0, 0]],
    [", window = 3", [3, 3], [3, 3], [0, 0]],
    [", window = [3, 2], stride = 1", [3, 2], [1, 1], [0, 0]],
    [", window = 3, stride = 2, padding = 1", [3, 3], [2, 2], [1, 1]],
    [", window = [2, 3], stride = [2, 1], padding = [0, 2]", [2, 3], [2, 1], [0, 2]],
  ])("max_pool and avg_pool(x%s)", async (args, k, s, p) => {
    const { a, b } = await outputs(`input x: f32[N, 3, 7, 6]\noutput a = max_pool(x${args})\noutput b = avg_pool(x${args})`, { x: x.data });
    near(a, windows(k, s, p, (v) => Math.max(...v)));
    near(b, windows(k, s, p, mean));
  });

  it("over the whole image", async () => {
    const { a, b } = await outputs("input x: f32[N, 3, 7, 6]\noutput a = global_max_pool(x)\noutput b = global_avg_pool(x)", { x: x.data });
    const each = range(6).map((k) => x.data.slice(k * 42, k * 42 + 42));
    near(a, each.map((v) => Math.max(...v)));
    near(b, each.map(mean));
  });

  it("passes the gradient on, padded and overlapping", async () => {
    for (const pool of ["max_pool(y)", "avg_pool(y)", "max_pool(y, window = 3, stride = 1, padding = 1)", "avg_pool(y, window = 3, stride = 2, padding = 1)"]) {
      await expectGradients(`input x: f32[N, 1, 5, 4]\ny = conv2d(x, 2, kernel = 2)\nloss = mean(sin(${pool}))`, { x: numbers(40, 3) });
    }
  });

  it("refuses padding that a window could lie in", () => {
    expect(errorsOf("input x: f32[N, 3, 7, 6]\noutput a = max_pool(x, padding = 2)")).toEqual(["E0211 a stride is at least 1, and padding smaller than the window"]);
  });
});
