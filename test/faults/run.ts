/**
 * Plants each fault in a copy of the sources and runs the tests of the mathematics on it: `npm run plant`. Prints which test
 * found each; exits with 1 if one is not found. `--only 3` tries the fourth alone.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { faults } from "./faults.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** Where such faults belong to be found. */
const rooms = ["test/ops", "test/grad", "test/simplify", "test/derive", "test/schedule", "test/fuzz", "test/gpu"];

const copy = mkdtempSync(path.join(tmpdir(), "nabla-faults-"));
const report = path.join(copy, "report.json");
const at = process.argv.indexOf("--only");
const chosen = at < 0 ? faults : faults.slice(Number(process.argv[at + 1]), Number(process.argv[at + 1]) + 1);
let missed = 0;
try {
  for (const file of execFileSync("git", ["ls-files"], { cwd: root, encoding: "utf8" }).trim().split("\n")) {
    mkdirSync(path.dirname(path.join(copy, file)), { recursive: true });
    cpSync(path.join(root, file), path.join(copy, file));
  }
  symlinkSync(path.join(root, "node_modules"), path.join(copy, "node_modules"));
  for (const { what, file, right, wrong } of chosen) {
    const target = path.join(copy, file);
    const text = readFileSync(target, "utf8");
    writeFileSync(target, text.replace(right, () => wrong));
    // Into a file: a pipe's end is lost when the process ends early.
    rmSync(report, { force: true });
    const { status } = spawnSync("npx", ["vitest", "run", "--config", "test/vitest.config.ts", "--bail", "1", "--reporter", "json", "--outputFile", report, ...rooms], { cwd: copy, stdio: "ignore", timeout: 600_000 });
    writeFileSync(target, text);
    const found = status === 0 ? undefined : firstFailure();
    if (found === undefined) missed++;
    process.stdout.write(`${found === undefined ? "MISSED" : "found "}  ${what} (${file})${found === undefined ? "" : `: ${found}`}\n`);
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
process.stdout.write(`${chosen.length - missed} of ${chosen.length} faults found\n`);
if (missed > 0) process.exitCode = 1;

/** The name of the first test that failed, or what vitest said. */
function firstFailure(): string {
  if (!existsSync(report)) throw new Error("the tests did not run");
  const { testResults } = JSON.parse(readFileSync(report, "utf8")) as { testResults: { name: string; message?: string; assertionResults: { status: string; fullName: string }[] }[] };
  for (const suite of testResults) {
    const failed = suite.assertionResults.find((t) => t.status === "failed");
    if (failed) return `${path.relative(copy, suite.name)} › ${failed.fullName.slice(0, 100)}`;
  }
  return testResults.find((s) => s.message)?.message?.slice(0, 120) ?? "a suite failed";
}
