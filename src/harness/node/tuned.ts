/**
 * What a tuner has found of this machine's adapters, kept in the user's cache: a file for each adapter and version of nabla. Comes in:
 * the adapter's name. Goes out: choices by kernel; nothing where there are none yet, or where the file is damaged.
 *
 *     const known = readTuned("SwiftShader driver 5.0.0", "0.1.0");
 *     writeTuned("SwiftShader driver 5.0.0", "0.1.0", await tuneProgram(program, { known, … }));
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { cacheFolders } from "./cache.ts";

/** Choices of an adapter; empty where nothing is known. */
export function readTuned(adapter: string, version: string): ReadonlyMap<string, number> {
  for (const folder of cacheFolders()) {
    try {
      const held: unknown = JSON.parse(fs.readFileSync(path.join(folder, fileOf(adapter, version)), "utf8"));
      if (typeof held === "object" && held !== null) return new Map(Object.entries(held).filter((e): e is [string, number] => Number.isInteger(e[1]) && Number(e[1]) >= 0));
    } catch {
      // There is none, or it is not ours to read: the next one, and in the end nothing.
    }
  }
  return new Map();
}

/** Keeps choices; where no cache can be written, they are found again next time. */
export function writeTuned(adapter: string, version: string, choices: ReadonlyMap<string, number>): void {
  for (const folder of cacheFolders()) {
    const file = path.join(folder, fileOf(adapter, version));
    const aside = `${file}.${process.pid}`;
    try {
      fs.mkdirSync(path.dirname(file), { recursive: true });
      fs.writeFileSync(aside, JSON.stringify(Object.fromEntries([...choices].sort(([a], [b]) => (a < b ? -1 : 1)))));
      fs.renameSync(aside, file);
      return;
    } catch {
      fs.rmSync(aside, { force: true });
    }
  }
}

function fileOf(adapter: string, version: string): string {
  return path.join("tuned", `${adapter.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-|-$/g, "")}-${version}.json`);
}
