/** Waiting for a device leaves the processor to it: few turns of the event loop, the same answers. */
import { performance } from "node:perf_hooks";
import { describe, expect, test } from "vitest";
import { openDevice } from "../../src/harness/node/adapter.ts";
import { Rest } from "../../src/harness/node/restful.ts";

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Turns of the event loop until a promise is settled. */
async function turnsUntil(promise: Promise<unknown>): Promise<number> {
  let turns = 0;
  let settled = false;
  const turn = (): void => {
    turns++;
    if (!settled) setImmediate(turn);
  };
  setImmediate(turn);
  await promise.finally(() => { settled = true; });
  return turns;
}

describe("Rest", () => {
  test("a long wait takes few turns, and timers are served meanwhile", async () => {
    let ticks = 0;
    const ticking = setInterval(() => ticks++, 10);
    const turns = await turnsUntil(new Rest().until(pause(300)));
    clearInterval(ticking);
    // A turn takes a few microseconds where nothing sleeps; 300 ms of sleeping a millisecond at a time and the first 50 ms a little less are 500 turns.
    expect(turns).toBeLessThan(2000);
    expect(ticks).toBeGreaterThan(5);
  });

  test("a wait like those before it is slept through, and a shorter one is answered within a turn", async () => {
    const rest = new Rest();
    for (let k = 0; k < 4; k++) await rest.until(pause(40));
    // 36 ms by a millisecond, and some turns for the rest of it; a Rest that knows nothing takes hundreds.
    expect(await turnsUntil(rest.until(pause(40)))).toBeLessThan(150);
    expect(await turnsUntil(rest.until(pause(3)))).toBeLessThan(12);
  });

  test("what is settled is passed on, and nothing turns afterwards", async () => {
    const rest = new Rest();
    expect(await rest.until(Promise.resolve(3))).toBe(3);
    await expect(rest.until(Promise.reject(new Error("no")))).rejects.toThrow("no");
    await pause(5);
    const before = performance.eventLoopUtilization();
    await pause(100);
    expect(performance.eventLoopUtilization(before).utilization).toBeLessThan(0.5);
  });
});

test("a device that is waited for says what it said before", async () => {
  const { device, close } = await openDevice();
  const module = device.createShaderModule({ code: "@compute @workgroup_size(1) fn main() {}" });
  expect(await device.createComputePipelineAsync({ layout: "auto", compute: { module, entryPoint: "main" } })).toBeInstanceOf(GPUComputePipeline);
  await expect(device.createComputePipelineAsync({ layout: "auto", compute: { module, entryPoint: "other" } })).rejects.toThrow("other");
  const buffer = device.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  device.queue.writeBuffer(buffer, 0, new Float32Array([1, 2, 3, 4]));
  await device.queue.onSubmittedWorkDone();
  await buffer.mapAsync(GPUMapMode.READ);
  expect([...new Float32Array(buffer.getMappedRange())]).toEqual([1, 2, 3, 4]);
  await expect(buffer.mapAsync(GPUMapMode.READ)).rejects.toThrow();
  close();
});
