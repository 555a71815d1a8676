/**
 * A Vulkan driver that runs on the processor, for machines without a GPU: SwiftShader, as browsers ship it. Comes in:
 * what is installed (a Chromium, or the npm package `@sparticuz/chromium`). Goes out: this process, set up so that the
 * GPU library finds that driver. Nothing is installed, no root is needed, and only the user's cache folder is written.
 *
 *     if (useSoftwareDriver()) adapter = await create([]).requestAdapter();
 */
import * as fs from "node:fs";
import { createRequire } from "node:module";
import * as os from "node:os";
import * as path from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { cachedFolder, filesOfTar } from "./cache.ts";

/** The files of one driver. */
export interface SoftwareDriver {
  /** The manifest that names the driver to the Vulkan loader. */
  readonly manifest: string;
  /** The Vulkan loader that came with it, for systems without one. */
  readonly loader?: string;
  /** Where it was found, for people. */
  readonly origin: string;
}

const MANIFEST = "vk_swiftshader_icd.json";
const DRIVER = "libvk_swiftshader.so";
const LOADER = "libvulkan.so.1";

/** Keeps a library mapped after Node has closed it; the value of Linux, which Node does not name. */
const RTLD_NODELETE = 0x1000;

function driverIn(folder: string, origin: string): SoftwareDriver | undefined {
  const manifest = path.join(folder, MANIFEST);
  if (!fs.existsSync(manifest) || !fs.existsSync(path.join(folder, DRIVER))) return undefined;
  const loader = path.join(folder, LOADER);
  return { manifest, origin, ...(fs.existsSync(loader) ? { loader } : {}) };
}

function fromNpm(): SoftwareDriver | undefined {
  if (process.arch !== "x64") return undefined;
  const name = path.join("@sparticuz", "chromium");
  let main: string;
  try {
    main = createRequire(import.meta.url).resolve("@sparticuz/chromium");
  } catch {
    return undefined;
  }
  const home = main.slice(0, main.lastIndexOf(name) + name.length);
  const archive = path.join(home, "bin", "swiftshader.tar.br");
  if (!fs.existsSync(archive)) return undefined;
  const manifest: unknown = JSON.parse(fs.readFileSync(path.join(home, "package.json"), "utf8"));
  const version = manifest !== null && typeof manifest === "object" && "version" in manifest ? String(manifest.version) : "unknown";
  const origin = `npm package @sparticuz/chromium ${version}`;
  const folder = cachedFolder(`swiftshader-${version}`, (cached) => driverIn(cached, origin) !== undefined, (empty) => {
    for (const file of filesOfTar(brotliDecompressSync(fs.readFileSync(archive)))) {
      const name = path.basename(file.path);
      if (name === MANIFEST || name === DRIVER || name === LOADER) fs.writeFileSync(path.join(empty, name), file.contents);
    }
  });
  return folder === undefined ? undefined : driverIn(folder, origin);
}

function fromBrowsers(): SoftwareDriver | undefined {
  const folders = ["/usr/lib/chromium", "/usr/lib/chromium-browser", "/opt/google/chrome"];
  const playwright = process.env["PLAYWRIGHT_BROWSERS_PATH"] ?? path.join(os.homedir(), ".cache", "ms-playwright");
  if (fs.existsSync(playwright)) {
    for (const browser of fs.readdirSync(playwright).sort()) for (const inside of ["chrome-linux", "chrome-linux64"]) folders.push(path.join(playwright, browser, inside));
  }
  for (const folder of folders) {
    const driver = driverIn(folder, folder);
    if (driver) return driver;
  }
  return undefined;
}

/** Looks for a software driver; the first call after an install unpacks it (7 MB). Linux only: elsewhere there is a driver. */
export function findSoftwareDriver(): SoftwareDriver | undefined {
  return process.platform === "linux" ? (fromNpm() ?? fromBrowsers()) : undefined;
}

/**
 * Makes this process use the software driver; call it before the GPU library creates its instance, on the main thread
 * (a worker's environment never reaches the C library). Gives the driver, or nothing where there is none.
 */
export function useSoftwareDriver(): SoftwareDriver | undefined {
  const driver = findSoftwareDriver();
  if (!driver) return undefined;
  process.env["VK_DRIVER_FILES"] = driver.manifest;
  process.env["VK_ICD_FILENAMES"] = driver.manifest; // loaders before 1.3.207 know only this name
  process.env["NABLA_ADAPTER"] = "software"; // child processes inherit the two lines above, and must load the loader as well
  process.env["VK_LOADER_LAYERS_DISABLE"] ??= "~implicit~"; // an implicit Mesa layer prints on stderr
  if (driver.loader !== undefined) {
    const { RTLD_NOW, RTLD_GLOBAL } = os.constants.dlopen;
    try {
      process.dlopen({ exports: {} }, driver.loader, RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE);
    } catch (error) {
      // Always thrown, as the library is no Node module; by then it is mapped, and the GPU library finds it by its name.
      if (!/self-register/.test(String(error))) throw error;
    }
  }
  return driver;
}
