/**
 * `npm run bench:kit`: everything that the benchmarks need, in one folder, for a machine with a GPU and without a network: Node, the
 * project as JavaScript, its packages, the peers, a Vulkan loader and the software driver. Goes out: `bench-results/kit` and a tar of it.
 *
 *     npm run bench:kit && scp bench-results/kit.tar.gz there:      # there: tar xf kit.tar.gz && kit/bench.sh all
 *     npm run bench:kit -- --lean                                   # without peers and software driver, a third as large
 */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { findSoftwareDriver } from "../../src/harness/node/index.ts";
import { installPeers } from "./install-peers.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const results = path.join(root, "bench-results");
const kit = path.join(results, "kit");

const copy = (from: string, to: string): void => fs.cpSync(path.join(root, from), path.join(kit, to), { recursive: true, dereference: true });

/** Nothing that a machine with a GPU can do without. */
const { lean = false } = parseArgs({ options: { lean: { type: "boolean" } } }).values;

/** The project and its benchmarks as JavaScript, in the folders that they have here. */
function compileProject(): void {
  const config = path.join(results, "tsconfig.kit.json");
  const options = { noEmit: false, rootDir: root, outDir: kit, allowImportingTsExtensions: true, rewriteRelativeImportExtensions: true };
  const include = ["src", "grammar", "kernels", "test/bench"].map((folder) => path.join(root, folder));
  fs.writeFileSync(config, JSON.stringify({ extends: path.join(root, "tsconfig.json"), compilerOptions: options, include, exclude: [path.join(root, "**/*.test.ts"), path.join(root, "test/bench/kit.ts")] }));
  execFileSync(process.execPath, [path.join(root, "node_modules/typescript/bin/tsc"), "-p", config, "--noCheck"], { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  fs.rmSync(config);
  for (const folder of ["examples", "test/bench/workloads", "test/bench/peers/package.json", "test/bench/peers/pytorch.py", "package.json", "LICENSE"]) copy(folder, folder);
}

/** The packages that run, with `webgpu` for this platform alone. */
function copyPackages(): void {
  const listed = execFileSync("npm", ["ls", "--omit=dev", "--all", "--parseable"], { cwd: root, encoding: "utf8", shell: process.platform === "win32" });
  const inside = listed.split("\n").map((folder) => path.relative(root, folder)).filter((folder) => folder.startsWith("node_modules"));
  const here = `${process.platform}-${process.platform === "darwin" ? "universal" : process.arch}`;
  for (const folder of inside) {
    const keep = (from: string): boolean => path.basename(path.dirname(from)) !== "dist" || !from.includes(path.join("node_modules", "webgpu", "dist")) || path.basename(from) === here || !fs.statSync(from).isDirectory();
    fs.cpSync(path.join(root, folder), path.join(kit, folder), { recursive: true, dereference: true, filter: keep });
  }
}

/** TensorFlow.js and jax-js; the gradients of the former as a file that Node loads without help. */
async function copyPeers(): Promise<void> {
  if (!installPeers()) return;
  const gradients = "test/bench/peers/node_modules/@tensorflow/tfjs-core/dist/register_all_gradients.js";
  copy("test/bench/peers/node_modules", "test/bench/peers/node_modules");
  await build({ entryPoints: [path.join(root, gradients)], bundle: true, format: "cjs", platform: "node", outfile: path.join(kit, gradients), allowOverwrite: true, logLevel: "error" });
}

/** Node, the Vulkan loader, and the driver that runs on the processor where there is no other. */
function copyMachinery(): void {
  fs.copyFileSync(process.execPath, path.join(kit, "node"));
  fs.chmodSync(path.join(kit, "node"), 0o755);
  const driver = findSoftwareDriver();
  if (!driver) return;
  if (driver.loader !== undefined) {
    fs.mkdirSync(path.join(kit, "lib"));
    fs.cpSync(driver.loader, path.join(kit, "lib", "libvulkan.so.1"), { dereference: true });
  }
  if (lean) return;
  fs.cpSync(path.dirname(driver.manifest), path.join(kit, "driver"), { recursive: true, dereference: true, filter: (from) => from !== driver.loader });
}

const script = `#!/bin/sh
# Runs the benchmarks of Nabla on this machine: kit/bench.sh [all|steps|kernels|doctor] [options]; kit/bench.sh --software … on the processor.
#   all [seconds]   adapter, limits, kernels as modelled and as tuned, then the workloads' steps so, beside PyTorch where python3 has it (default: 600 seconds in all)
# Needs the GPU's Vulkan driver and nothing else; results lie in kit/bench-results.
here=$(cd "$(dirname "$0")" && pwd)
export LD_LIBRARY_PATH="$here/lib\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
if [ "$1" = --software ]; then
  shift
  export VK_DRIVER_FILES="$here/driver/vk_swiftshader_icd.json" VK_ICD_FILENAMES="$here/driver/vk_swiftshader_icd.json"
elif [ -z "$VK_DRIVER_FILES$VK_ICD_FILENAMES" ] && ! ls /etc/vulkan/icd.d/*.json /usr/share/vulkan/icd.d/*.json /usr/local/share/vulkan/icd.d/*.json >/dev/null 2>&1; then
  # Containers often have NVIDIA's driver elsewhere, or without the file that names it to the loader.
  for manifest in /usr/local/nvidia/share/vulkan/icd.d/*.json /usr/local/nvidia/vulkan/icd.d/*.json /run/opengl-driver/share/vulkan/icd.d/*.json; do
    if [ -e "$manifest" ]; then
      export VK_DRIVER_FILES="$manifest" VK_ICD_FILENAMES="$manifest"
      break
    fi
  done
  if [ -z "$VK_DRIVER_FILES" ]; then
    for library in libGLX_nvidia.so.0 libEGL_nvidia.so.0; do
      if ldconfig -p 2>/dev/null | grep -q "$library"; then
        printf '{"file_format_version": "1.0.0", "ICD": {"library_path": "%s", "api_version": "1.3.0"}}' "$library" > "$here/nvidia_icd.json"
        export VK_DRIVER_FILES="$here/nvidia_icd.json" VK_ICD_FILENAMES="$here/nvidia_icd.json"
        break
      fi
    done
  fi
fi
kernels() { "$here/node" "$here/test/bench/kernels/run.js" "$@"; }
steps() { "$here/node" "$here/test/bench/run.js" "$@"; }
case "$1" in
  kernels) shift; kernels "$@"; exit ;;
  doctor) shift; exec "$here/node" "$here/src/cli/main.js" doctor "$@" ;;
  steps) shift; steps "$@"; exit ;;
  all) ;;
  *) steps "$@"; exit ;;
esac
# Each part in its share of the time, what matters most first; each keeps what it has after every line.
seconds=\${2:-600}
results=$here/bench-results
mkdir -p "$results"
"$here/node" "$here/src/cli/main.js" doctor
echo "== kernels, as modelled and as tuned"
kernels --tune --seconds $((seconds * 5 / 10)) -o "$results/kernels.json"
python=$(command -v python3)
if [ -n "$python" ] && "$python" -c 'import torch' 2>/dev/null; then torch="--pytorch $python"; else torch=; echo "no PyTorch here"; fi
# A step is a few milliseconds at most on a GPU: two rounds of each workload are a few seconds.
echo "== steps"
timeout $((seconds * 3 / 10)) "$here/node" "$here/test/bench/run.js" --only nabla --quick $torch -o "$results/steps.json" \${WORKLOADS:-mlp gpt transformer cnn lstm spiral}
echo "== steps, tuned"
timeout $((seconds * 2 / 10)) "$here/node" "$here/test/bench/run.js" --only nabla --quick --tune -o "$results/steps-tuned.json" \${WORKLOADS:-mlp gpt transformer cnn lstm spiral}
`;

fs.rmSync(kit, { recursive: true, force: true });
fs.mkdirSync(kit, { recursive: true });
compileProject();
copyPackages();
if (!lean) await copyPeers();
copyMachinery();
fs.writeFileSync(path.join(kit, "bench.sh"), script, { mode: 0o755 });
execFileSync("tar", ["czf", "kit.tar.gz", "kit"], { cwd: results, stdio: "inherit" });
process.stdout.write(`${path.join(results, "kit.tar.gz")}: ${(fs.statSync(path.join(results, "kit.tar.gz")).size / 1e6).toFixed(0)} MB\n`);
