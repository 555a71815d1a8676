/** The deepest programs with less stack than a browser gives (a worker of a browser has 500 KB, a page and node about 1 MB), and in a worker of a real one. */
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { runInBrowser } from "../browser/run-in-browser.ts";
import { expectedAnswers } from "./deep-programs.ts";

const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;

test("programs as deep as they may be need no more than 430 KB", () => {
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--stack-size=430", "--import", tsx, fileURLToPath(new URL("deepest.ts", import.meta.url))], { encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout.trim().split("\n")).toEqual(expectedAnswers);
}, 120_000);

test("programs as deep as they may be are answered in a worker of a browser", { timeout: 180_000 }, async () => {
  expect(await runInBrowser(new URL("./page-deepest.ts", import.meta.url), null, "worker")).toEqual(expectedAnswers);
});
