/**
 * Makes a folder and those above it. Node's own recursive form never returns where a file system answers "no such
 * file" to making a folder in one that exists (as /proc does); this one makes one folder after the other and throws.
 *
 *     makeFolder("runs/digits");
 */
import * as fs from "node:fs";
import * as path from "node:path";

/** Throws the file system's error where it refuses, or where a file stands in the way. */
export function makeFolder(folder: string, mode = 0o777): void {
  const missing: string[] = [];
  let at = path.resolve(folder);
  while (!fs.existsSync(at)) {
    missing.push(at);
    at = path.dirname(at);
  }
  for (const each of missing.reverse()) {
    try {
      fs.mkdirSync(each, { mode });
    } catch (error) {
      // Another process may have made it in between.
      if (!fs.existsSync(each)) throw error;
    }
  }
  if (!fs.statSync(folder).isDirectory()) throw Object.assign(new Error(`'${folder}' is not a folder`), { code: "EEXIST" });
}
