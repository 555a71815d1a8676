/** Calls that are not waited for one by one give what they give when they are. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { openSession } from "../../src/session.ts";
import { programOf } from "./kit.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

it("keeps the inputs of calls in flight apart, also where an entry grows in between", async () => {
  const session = await openSession(programOf("model M { input x: f32[N, 2]; output p = 10 * x[:, 0] + x[:, 1] }"), { device: gpu.device });
  const feeds = Array.from({ length: 200 }, (_, k) => Array.from({ length: 2 * (1 + (k % 7)) }, (_, i) => k + i));
  const found = await Promise.all(feeds.map((x) => session.predict({ x })));
  const expected = feeds.map((x) => Array.from({ length: x.length / 2 }, (_, n) => 10 * (x[2 * n] ?? 0) + (x[2 * n + 1] ?? 0)));
  expect(found.map((o) => [...(o["p"]?.data ?? [])])).toEqual(expected);
  session.close();
});

it("refuses calls after close, also the one in flight", async () => {
  const session = await openSession(programOf("model M { input x: f32[N]; output p = 2 * x }"), { device: gpu.device });
  const flying = session.predict({ x: [1] });
  session.close();
  await expect(flying).rejects.toMatchObject({ code: "E0605" });
  await expect(session.predict({ x: [1] })).rejects.toMatchObject({ code: "E0605" });
});
