import { expect, it } from "vitest";
import { openDevice } from "../../src/harness/node/index.ts";
import { measure } from "./measure.ts";

it("the benchmark runs in a short form", async () => {
  const { device, close } = await openDevice();
  const cost = await measure(device, "xor", 3, 1);
  expect(cost.stepMs).toBeGreaterThan(0);
  expect(cost.dispatches).toBeLessThanOrEqual(12);
  expect(cost.peakBytes).toBeGreaterThanOrEqual(cost.lowerBoundBytes);
  close();
});
