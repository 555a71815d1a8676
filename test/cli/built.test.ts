/** The command as it is installed: bundled, so that it starts in a fraction of what its modules take one by one. */
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = `${root}/node_modules/.cache/nabla-built-${process.pid}`;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the bundled command checks a program, and the bundled library compiles one", async () => {
  const { scripts } = JSON.parse(readFileSync(`${root}/package.json`, "utf8")) as { scripts: { bundle: string } };
  execFileSync("npx", scripts.bundle.split(" ").map((word) => (word === "--outdir=dist" ? `--outdir=${folder}/dist` : word)), { cwd: root });
  const ran = spawnSync(process.execPath, [`${folder}/dist/src/cli/main.js`, "check", "examples/xor.dl"], { cwd: root, encoding: "utf8" });
  expect(ran).toMatchObject({ status: 0, stderr: "examples/xor.dl: ok. Xor: 4 parameters, 17 numbers\n" });
  const library = (await import(pathToFileURL(`${folder}/dist/src/index.js`).href)) as typeof import("../../src/index.ts");
  expect(library.compile({ path: "a.dl", text: readFileSync(`${root}/examples/xor.dl`, "utf8") }).programs).toHaveLength(1);
});
