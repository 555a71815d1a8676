/** A real browser page runs a kernel, and a failing page says why. */
import { expect, test } from "vitest";
import { runInBrowser } from "./run-in-browser.ts";

test("a page in a headless Chromium runs a kernel on WebGPU", { timeout: 120_000 }, async () => {
  const result = await runInBrowser(new URL("./page-kernel.ts", import.meta.url), { x: [1, 2, 3.5] });
  expect(result).toEqual({ y: [2, 4, 7], adapter: "swiftshader" });
});

test("a failing page's message and console reach the test", { timeout: 120_000 }, async () => {
  const failure = await runInBrowser(new URL("./page-failing.ts", import.meta.url), null).catch((error: unknown) => String(error));
  expect(failure).toContain("the page gave up");
  expect(failure).toContain("error: before the end");
});
