/** The compiler and the runtime inside a real browser page: XOR trains there with the losses that Node gets. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { openDevice } from "../../src/harness/node/adapter.ts";
import { runInBrowser } from "./run-in-browser.ts";
import { type Trained, trainText } from "./train-text.ts";

test("XOR trains in a headless Chromium as it does in Node", { timeout: 180_000 }, async () => {
  const text = readFileSync(new URL("../../examples/xor.dl", import.meta.url), "utf8");
  // The browser's adapter is the software one; so is Node's here, and the arithmetic is then the same to the last bit.
  const { device, close } = await openDevice({ software: true });
  const here = await trainText(text, device);
  close();
  const there = (await runInBrowser(new URL("./page-train.ts", import.meta.url), { text })) as unknown as Trained;
  expect(there.diagnostics).toEqual([]);
  expect(there.losses.length).toBeGreaterThan(10);
  expect(there.losses.at(-1)).toBeLessThan((there.losses[0] ?? 0) / 10);
  expect(there.losses).toEqual(here.losses);
  expect(there.parameters).toEqual(here.parameters);
});
