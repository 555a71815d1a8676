/**
 * A headless Chromium that comes from npm alone. Comes in: the archives of `@sparticuz/chromium`. Goes out: a running
 * browser with WebGPU on the software adapter. It is unpacked once into the user's cache.
 */
import * as fs from "node:fs";
import { createRequire } from "node:module";
import * as path from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { type Browser, chromium } from "playwright-core";
import { cachedFolder, filesOfTar } from "../../src/harness/node/cache.ts";

/** WebGPU on the software adapter, and nothing that would talk to a network by itself. */
const flags = [
  "--headless=shell", "--no-sandbox", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--disable-background-networking",
  "--disable-component-update", "--disable-default-apps", "--disable-sync", "--disable-domain-reliability", "--no-first-run", "--no-pings",
];

/** Unpacks the browser and gives the folder it lies in. */
function unpack(): string {
  const main = createRequire(import.meta.url).resolve("@sparticuz/chromium");
  const name = path.join("@sparticuz", "chromium");
  const home = main.slice(0, main.lastIndexOf(name) + name.length);
  const { version } = JSON.parse(fs.readFileSync(path.join(home, "package.json"), "utf8")) as { version: string };
  const archive = (file: string): Buffer => brotliDecompressSync(fs.readFileSync(path.join(home, "bin", file)));
  const folder = cachedFolder(`chromium-${version}`, (cached) => fs.existsSync(path.join(cached, "chromium")), (empty) => {
    for (const tar of ["swiftshader.tar.br", "al2023.tar.br"]) {
      for (const { path: file, contents } of filesOfTar(archive(tar))) {
        fs.mkdirSync(path.join(empty, path.dirname(file)), { recursive: true });
        fs.writeFileSync(path.join(empty, file), contents, { mode: 0o755 });
      }
    }
    fs.writeFileSync(path.join(empty, "chromium"), archive("chromium.br"), { mode: 0o755 });
  });
  if (folder === undefined) throw new Error("no cache folder can be written for the browser");
  return folder;
}

/** Starts the browser. The libraries that came with it are used only on systems that lack them. */
export async function startChromium(): Promise<Browser> {
  const folder = unpack();
  // The test process may itself run on the software driver; the browser brings its own and takes no advice.
  const { VK_DRIVER_FILES: _driver, VK_ICD_FILENAMES: _icd, VK_LOADER_LAYERS_DISABLE: _layers, ...rest } = process.env;
  const environment = Object.fromEntries(Object.entries(rest).filter((entry): entry is [string, string] => entry[1] !== undefined));
  const start = (env: Record<string, string>): Promise<Browser> =>
    chromium.launch({ executablePath: path.join(folder, "chromium"), args: flags, ignoreDefaultArgs: ["--headless"], env, timeout: 60_000 });
  try {
    return await start(environment);
  } catch (error) {
    if (!/error while loading shared libraries/.test(String(error))) throw error;
    return await start({ ...environment, LD_LIBRARY_PATH: path.join(folder, "lib") });
  }
}
