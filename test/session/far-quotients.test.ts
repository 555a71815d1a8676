/** Quotients of quotients of huge and tiny numbers on the device: what was finite in f32 is not turned into a product that is not. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { openSession } from "../../src/session.ts";
import { programOf } from "./kit.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => gpu.close());

const program = programOf(`model M {
  param a: f32[4] ~ ones
  param b: f32[4] ~ ones
  input x: f32[N, 4]
  loss = sum(a / b)
  output chain = x / a / b
  output under = a / (b / x)
  output both = x / a / b + 3 / a / b
  output shared = 2 * x / a / b + 5 * x / b / a
}`);

it.each([1e30, 1e-30, 1e25, 1e-25, 3e18, 1])("at %d, as in f64", async (size) => {
  const values = [1, -2, 0.5, 4].map((v) => v * size);
  const runs = [];
  for (const options of [{ device: gpu.device, software: true }, { backend: "f64" as const }]) {
    const session = await openSession(program, options);
    // a / b / b is a number of moderate size throughout.
    session.set("M.a", values.map((v) => v * size ** -0.75));
    session.set("M.b", values);
    const x = Float64Array.from(values, (v) => v * size ** 0.2);
    runs.push({ ...(await session.predict({ x })), ...(await session.gradients({ x })) });
    session.close();
  }
  const [found, wanted] = runs;
  for (const name of ["chain", "under", "both", "shared", "M.a", "M.b"]) {
    for (const [k, w] of Array.from(wanted?.[name]?.data ?? []).entries()) {
      const within = Math.abs(w) < 2 ** -126 ? 2 ** -126 : 2e-6 * Math.abs(w);
      if (Math.abs(w) < 3e38) expect(Math.abs((found?.[name]?.data[k] ?? Number.NaN) - w), `${name}[${k}] is ${found?.[name]?.data[k]}, in f64 ${w}`).toBeLessThanOrEqual(within);
    }
  }
}, 60_000);
