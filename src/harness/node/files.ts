/**
 * Reading and writing files so that nobody ever sees half of one. Comes in: paths and contents. Goes out: text, or
 * files that are either whole or not there. Failures are `EnvironmentError`s that name the path and the reason.
 *
 *     await writeFileAtomic("runs/digits/weights.safetensors", bytes);
 */
import { constants } from "node:fs";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { EnvironmentError } from "./environment-error.ts";
import { makeFolder } from "./make-folder.ts";

/** A file of a set, by its path inside the set's folder. */
export interface OutputFile {
  readonly path: string;
  readonly contents: string | Uint8Array;
}

/** What became of it. */
export interface WrittenFile {
  /** The path as it can be opened from here. */
  readonly path: string;
  readonly bytes: number;
  /** False when it already had these contents and was left alone. */
  readonly changed: boolean;
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of the path is a file",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  EEXIST: "it exists and is no folder",
  ENAMETOOLONG: "the name is too long",
};

/** Why the file system refused, in a few words. */
function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return reasons[code] ?? (error instanceof Error ? error.message : String(error));
}

const bytesOf = (contents: string | Uint8Array): Uint8Array => (typeof contents === "string" ? new TextEncoder().encode(contents) : contents);

/** Bytes as text, without a byte order mark. Throws a TypeError where they are not UTF-8. */
export function decodeText(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}

/** Why a text could not be read, in a few words. */
export function whyUnread(error: unknown): string {
  return error instanceof TypeError ? "it is not UTF-8 text" : reasonOf(error);
}

/** Reads a UTF-8 file, without a byte order mark. Fails with E0701. */
export async function readText(file: string): Promise<string> {
  try {
    return decodeText(await fs.readFile(file));
  } catch (error) {
    throw new EnvironmentError("E0701", `cannot read '${file}': ${whyUnread(error)}`, undefined, { cause: error });
  }
}

/** Reads a file's bytes. Fails with E0701. */
export async function readBytes(file: string): Promise<Uint8Array> {
  try {
    return await fs.readFile(file);
  } catch (error) {
    throw new EnvironmentError("E0701", `cannot read '${file}': ${reasonOf(error)}`, undefined, { cause: error });
  }
}

/** Makes sure that `folder` exists and files can be written in it, so that a refusal comes before the work. Fails with E0702. */
export async function ensureFolder(folder: string): Promise<void> {
  try {
    makeFolder(folder);
    await fs.access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new EnvironmentError("E0702", `cannot write into '${folder}': ${reasonOf(error)}`, "choose another folder with -o", { cause: error });
  }
}

/** Makes a rename durable; some systems cannot open a folder, and there it is durable enough. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await fs.open(folder, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    return;
  }
}

/** Writes `contents` to a file beside `file` and forces it to the disk; gives that file's path. */
async function writeAside(file: string, contents: Uint8Array): Promise<string> {
  const aside = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}.part`);
  try {
    const handle = await fs.open(aside, "w");
    try {
      await handle.writeFile(contents);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    await fs.rm(aside, { force: true });
    throw error;
  }
  return aside;
}

/** Writes one file, whole or not at all, also across a power cut; makes its folder. Fails with E0702. */
export async function writeFileAtomic(file: string, contents: string | Uint8Array): Promise<void> {
  await writeFiles(path.dirname(file), [{ path: path.basename(file), contents }]);
}

/** True when `file` already says `contents`. */
async function isSame(file: string, contents: Uint8Array): Promise<boolean> {
  try {
    return Buffer.from(contents).equals(await fs.readFile(file));
  } catch {
    return false;
  }
}

/**
 * Writes a set of files into `folder`. All are written aside first and renamed only when every one is on the disk, so
 * a refusal or a full disk leaves the folder as it was. Files that already have their contents are left untouched.
 * Fails with E0702.
 */
export async function writeFiles(folder: string, files: readonly OutputFile[]): Promise<readonly WrittenFile[]> {
  await ensureFolder(folder);
  const moves: { readonly aside: string; readonly file: string }[] = [];
  const written: WrittenFile[] = [];
  let current = folder;
  try {
    for (const output of files) {
      const file = path.join(folder, output.path);
      const inside = path.relative(folder, file);
      if (inside === "" || path.isAbsolute(inside) || inside.split(path.sep)[0] === "..") throw new Error("its path leads out of the folder");
      current = file;
      const contents = bytesOf(output.contents);
      const changed = !(await isSame(file, contents));
      written.push({ path: file, bytes: contents.length, changed });
      if (!changed) continue;
      makeFolder(path.dirname(file));
      if ((await fs.stat(file).catch(() => undefined))?.isDirectory()) throw new Error("it is a folder");
      moves.push({ aside: await writeAside(file, contents), file });
    }
    for (const { aside, file } of moves) {
      current = file;
      await fs.rename(aside, file);
    }
  } catch (error) {
    for (const { aside } of moves) await fs.rm(aside, { force: true });
    throw new EnvironmentError("E0702", `cannot write '${current}': ${reasonOf(error)}`, "choose another folder with -o", { cause: error });
  }
  for (const parent of new Set(moves.map((move) => path.dirname(move.file)))) await syncFolder(parent);
  return written;
}
