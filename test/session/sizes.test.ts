/**
 * Every template at sizes that fill its tiles, lines and workgroups just not, just so and just over, on both classes of devices: against
 * the f64 evaluator, and twice over, bit for bit.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
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

/** Elementwise chains, sums along either axis, rows of several kinds, running sums, and products in all forms, by a vector and in batches. */
const text = (m: number, n: number, k: number): string => `input a: f32[${m}, ${k}]
input b: f32[${k}, ${n}]
input c: f32[${k}, ${m}]
input d: f32[${n}, ${k}]
input e: f32[3, ${m}, ${k}]
input v: f32[${k}]
output chain = tanh(a * 0.5 + 0.25) * a + abs(a)
output rows = sum(a, axis = 1)
output columns = sum(a, axis = 0)
output total = sum(a^2)
output largest = max(a, axis = 1)
output first = argmax(a, axis = 1)
output soft = softmax(a)
output normal = layer_norm(a)
output log_total = logsumexp(a)
output running = cumsum(a, axis = 1)
output down = cumsum(a, axis = 0)
output ab[i, j] = sum[s] a[i, s] * b[s, j]
output cb[i, j] = relu(sum[s] c[s, i] * b[s, j])
output ad[i, j] = sum[s] a[i, s] * d[j, s]
output cd[i, j] = sum[s] c[s, i] * d[j, s]
output av[i] = sum[s] a[i, s] * v[s]
output vb[j] = sum[s] v[s] * b[s, j]
output low = argmax(a, axis = 0)
output top = max(c, axis = 0)
output each[t, i, j] = sum[s] e[t, i, s] * d[j, s]`;

const shapes = [[1, 2, 3], [2, 7, 1], [3, 1, 7], [7, 16, 2], [16, 3, 17], [17, 63, 16], [63, 17, 64], [64, 65, 63], [65, 64, 65], [127, 129, 16], [129, 127, 17], [1000, 7, 16], [7, 1000, 65], [16, 2, 1000]] as const;

it.each(shapes)("%i x %i, sums of %i", { timeout: 60_000 }, async (m, n, k) => {
  const source = text(m, n, k);
  const feed = { a: numbers(m * k, 1), b: numbers(k * n, 2), c: numbers(k * m, 3), d: numbers(n * k, 4), e: numbers(3 * m * k, 5), v: numbers(k, 6) };
  const single = Object.fromEntries(Object.entries(feed).map(([name, values]) => [name, values.map(Math.fround)]));
  const exact = await (await opened(source)).predict(single);
  const compiled = program(source);
  for (const software of [true, false]) {
    const session = await openSession(compiled, { device: gpu.device, software });
    const [once, again] = [await session.predict(single), await session.predict(single)];
    session.close();
    for (const [name, { data }] of Object.entries(exact)) {
      // Sums of k terms: an absolute error in proportion to what is added up.
      const terms = name === "total" ? m * k : name === "columns" || name === "down" ? m : k;
      expect(difference(once[name]?.data ?? [], data), name).toBeLessThan(2e-6 * Math.sqrt(terms));
      expect(once[name]?.data.every((v, i) => Object.is(v, again[name]?.data[i])), `${name}, run again`).toBe(true);
    }
  }
});
