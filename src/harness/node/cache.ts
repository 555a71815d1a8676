/**
 * Folders of unpacked files in the user's cache. Comes in: a name and how to fill a folder. Goes out: the filled folder,
 * made once; processes that start together never see half of it.
 *
 *     cachedFolder("swiftshader-147.0.0", (folder) => fs.existsSync(path.join(folder, "driver.so")), fill);
 */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { makeFolder } from "./make-folder.ts";

/** The places to try, best first; the temporary folder is for systems whose home cannot be written. */
function caches(): readonly string[] {
  const user = typeof process.getuid === "function" ? `-${process.getuid()}` : "";
  return [process.env["XDG_CACHE_HOME"] ?? "", path.join(os.homedir(), ".cache"), path.join(os.tmpdir(), `nabla-cache${user}`)].filter((folder) => path.isAbsolute(folder));
}

/** Libraries are loaded from these folders, so one that somebody else has made (in a shared temporary folder) is not used. */
function isOurs(folder: string): boolean {
  return fs.existsSync(folder) && (typeof process.getuid !== "function" || fs.statSync(folder).uid === process.getuid());
}

/** Where nabla may keep what it can find again, best first. */
export function cacheFolders(): readonly string[] {
  return caches().map((cache) => path.join(cache, "nabla"));
}

/** A folder for which `isWhole` holds: an old one, or one that `fill` has just filled; nothing where none can be written. */
export function cachedFolder(name: string, isWhole: (folder: string) => boolean, fill: (folder: string) => void): string | undefined {
  for (const cache of cacheFolders()) {
    const folder = path.join(cache, name);
    if (isOurs(folder) && isWhole(folder)) return folder;
    const aside = `${folder}.${process.pid}`;
    try {
      makeFolder(aside, 0o700);
      fill(aside);
      fs.renameSync(aside, folder);
    } catch {
      // Another process was first, or this cache cannot be written and the next one is tried.
      fs.rmSync(aside, { recursive: true, force: true });
    }
    if (isOurs(folder) && isWhole(folder)) return folder;
  }
  return undefined;
}

/** The files in an uncompressed tar archive: a 512-byte header each, then the contents padded to 512. Folders are left out. */
export function* filesOfTar(archive: Buffer): Generator<{ readonly path: string; readonly contents: Buffer }> {
  for (let at = 0; at + 512 <= archive.length; ) {
    const name = archive.toString("latin1", at, at + 100).replace(/\0.*$/s, "");
    const size = Number.parseInt(archive.toString("latin1", at + 124, at + 136), 8);
    if (name === "" || !Number.isFinite(size)) return;
    const type = archive.toString("latin1", at + 156, at + 157);
    if (type === "0" || type === "\0") yield { path: name, contents: archive.subarray(at + 512, at + 512 + size) };
    at += 512 + Math.ceil(size / 512) * 512;
  }
}
