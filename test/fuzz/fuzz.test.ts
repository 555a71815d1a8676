/**
 * Random graphs of training steps on the device against the f64 evaluator, values and gradients and updates, in several
 * compilations each. The long form is `npm run fuzz -- --runs 2000 --seed 7`.
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { bisectCase, checkCase } from "./check-case.ts";
import { found } from "./found.ts";
import { deviceMachine } from "./on-device.ts";
import { recipes } from "./recipe.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

describe("random training steps", () => {
  it("compute on the device what they mean, however they are compiled", { timeout: 300_000 }, async () => {
    let [compared, left] = [0, 0];
    await fc.assert(
      fc.asyncProperty(recipes(6), fc.nat({ max: 99_999 }), async (recipe, choice) => {
        const checked = await checkCase(deviceMachine(gpu.device), recipe, choice);
        compared += checked.elements;
        left += checked.left;
      }),
      { numRuns: 25, seed: 2 },
    );
    // A generator whose values are all too large or all ties would agree with anything.
    expect(compared).toBeGreaterThan(50_000);
    expect(left).toBeLessThan(compared / 100);
  });

  it("compute kernel by kernel what they mean", { timeout: 300_000 }, async () => {
    const said = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(recipes(6), fc.nat({ max: 99_999 }), async (recipe, choice) => {
        const what = (await bisectCase(deviceMachine(gpu.device), recipe, choice)) ?? "too large values";
        said.set(what, (said.get(what) ?? 0) + 1);
      }),
      { numRuns: 30, seed: 3 },
    );
    expect([...said.keys()].filter((what) => what.startsWith("kernel"))).toEqual([]);
    expect(said.get("no kernel differs by itself")).toBeGreaterThan(20);
  });

  it.each(found)("$name", { timeout: 60_000 }, async ({ recipe, choice }) => {
    expect((await checkCase(deviceMachine(gpu.device), recipe, choice)).kind).toBe("agrees");
  });
});
