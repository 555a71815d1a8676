/** Installs TensorFlow.js and jax-js into a folder of their own on first use; false, with the reason on stderr, where that fails. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

export function installPeers(): boolean {
  const peers = fileURLToPath(new URL("peers/", import.meta.url));
  if (existsSync(`${peers}node_modules/@jax-js/jax`) && existsSync(`${peers}node_modules/@tensorflow/tfjs-backend-webgpu`)) return true;
  process.stderr.write("installing TensorFlow.js and jax-js into test/bench/peers …\n");
  try {
    execFileSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: peers, stdio: ["ignore", "ignore", "pipe"], shell: process.platform === "win32" });
    return true;
  } catch (error) {
    const printed = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : "";
    const said = (printed === "" ? String(error) : printed).split("\n")[0];
    process.stderr.write(`the peers cannot be installed (${said}); only Nabla is measured\n`);
    return false;
  }
}
