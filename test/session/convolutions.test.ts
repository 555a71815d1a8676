/**
 * Convolutions, what pools them, and their gradients by images, kernels and biases at sizes that fill tiles along rows of pixels just not, just so and just over,
 * with windows of several widths, borders and strides: against the f64 evaluator, on both classes of devices, and twice over, bit for bit.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { profiles } from "../../kernels/profiles.ts";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { openSession } from "../../src/session.ts";
import { difference } from "../gpu/nests.ts";
import { numbers, opened, program } from "../language/kit.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

interface Shape {
  readonly channels: number;
  readonly filters: number;
  readonly size: readonly [height: number, width: number];
  readonly window: readonly [height: number, width: number];
  readonly padding: number;
  readonly stride?: number;
  /** Windows whose maxima are taken; they may leave a rest. */
  readonly pool?: readonly [height: number, width: number];
  /** Examples of two runs. */
  readonly examples: readonly [number, number];
}

/** The batch is a size that data decides, so that what invocations in step share may have neighbours beyond its end. */
const text = ({ channels, filters, size: [h, w], window: [u, v], padding, stride = 1, pool: [p, q] = [1, 1] }: Shape): string => `input x: f32[N, ${channels}, ${h}, ${w}]
input K: f32[${filters}, ${channels}, ${u}, ${v}]
input b: f32[${filters}]
y = correlate2d(x, K, padding = ${padding}, stride = ${stride})
a[n, f, i, j] = relu(y[n, f, i, j] + b[f])
output z = tanh(max_pool(a, window = [${p}, ${q}]))
output dx = grad(mean(z^2), x)
output dK = grad(mean(z^2), K)
output db = grad(mean(z^2), b)`;

const shapes: readonly Shape[] = [
  { channels: 1, filters: 16, size: [8, 28], window: [3, 3], padding: 1, pool: [2, 2], examples: [5, 2] },
  { channels: 16, filters: 32, size: [7, 14], window: [3, 3], padding: 1, examples: [3, 8] },
  { channels: 3, filters: 17, size: [16, 7], window: [3, 3], padding: 1, pool: [4, 1], examples: [7, 1] },
  { channels: 4, filters: 8, size: [9, 17], window: [5, 5], padding: 2, examples: [2, 3] },
  { channels: 2, filters: 12, size: [5, 62], window: [2, 3], padding: 0, pool: [1, 3], examples: [1, 3] },
  { channels: 4, filters: 20, size: [65, 6], window: [3, 1], padding: 1, examples: [2, 1] },
  { channels: 5, filters: 16, size: [12, 13], window: [3, 3], padding: 1, stride: 2, pool: [3, 2], examples: [4, 3] },
];

it.each(shapes)("$channels channels to $filters filters of $window over $size", { timeout: 60_000 }, async (shape) => {
  const source = text(shape);
  const compiled = program(source);
  const families = compiled.lower("predict", { capacity: { N: 64 }, profile: { ...profiles.software, subgroup: 4 } }).kernels.map((k) => k.family);
  expect(families.some((f) => f.includes("of neighbours"))).toBe(true);
  const f64 = await opened(source);
  // Kernels for a GPU share their tiles with products of other kinds; building them here takes long.
  for (const software of shape.filters > 16 ? [true] : [true, false]) {
    const session = await openSession(compiled, { device: gpu.device, software });
    for (const n of shape.examples) {
      const { channels, filters, size, window } = shape;
      const single = (count: number, seed: number): number[] => numbers(count, seed).map(Math.fround);
      const feed = { x: single(n * channels * size[0] * size[1], 4), K: single(filters * channels * window[0] * window[1], 5).map((k) => k / 8), b: single(filters, 6) };
      const exact = await f64.predict(feed);
      const [once, again] = [await session.predict(feed), await session.predict(feed)];
      for (const [name, { data }] of Object.entries(exact)) {
        const scale = Math.max(1e-3, ...data.map(Math.abs));
        expect(difference(once[name]?.data ?? [], data) / scale, `${name} of ${n}`).toBeLessThan(4e-5);
        expect(once[name]?.data.every((v, i) => Object.is(v, again[name]?.data[i])), `${name}, run again`).toBe(true);
      }
    }
    session.close();
  }
});
