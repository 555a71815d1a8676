/**
 * Every code has a whole rendered report in this folder: those of the compiler beside their programs, those of a run in
 * `run-time.txt`. What cannot be raised here is named with the reason.
 */
import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { errorCodes } from "../../src/support/codes.ts";
import { renderReport } from "../../src/support/report.ts";
import { compile } from "../../src/compile.ts";

const folder = new URL(".", import.meta.url);
const reports = readdirSync(folder).filter((n) => n.endsWith(".txt")).map((n) => readFileSync(new URL(n, folder), "utf8")).join("\n");

/** Codes without a report, and why. */
const unreported: ReadonlyMap<string, string> = new Map([
  ["E0380", "every primitive has a gradient rule, so no program meets it; it guards primitives to come"],
  ["E0603", "the session compiles again before a size exceeds its code; the command shows it as an internal error, as `run-time.txt` does"],
  ["E0604", "a kernel that WebGPU refuses is a bug of nabla, and none is known; test/gpu makes one by hand"],
  ["E0607", "the GPU library loads on this machine"],
  ["E0608", "the adapter of this machine computes right numbers"],
]);

it("each code is shown in a report", () => {
  const missing = errorCodes.map((e) => e.code).filter((code) => !new RegExp(`(error|warning) ${code}\\b`).test(reports) && !unreported.has(code));
  expect(missing).toEqual([]);
  // What has a report is not excused from one.
  expect([...unreported.keys()].filter((code) => new RegExp(`(error|warning) ${code}\\b`).test(reports))).toEqual([]);
});

it("texts too long to keep as files have reports too", async () => {
  const many = compile({ path: "many-words.dl", text: `model M {\n  input x: f32[N]\n  output y = x${" + x".repeat(600_000)}\n}\n` });
  const chain = (path: string) => ({ path, text: `use "${Number.parseInt(path, 10) + 1}.dl"\n` });
  const files = compile({ path: "0.dl", text: 'use "1.dl"\n' }, { use: chain });
  await expect(renderReport([...many.diagnostics, ...files.diagnostics])).toMatchFileSnapshot("generated.txt");
}, 30_000);
