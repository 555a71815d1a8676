/**
 * What the text after `use` means. Comes in: the path of the file that says it, from the folder of the program's first
 * file, and what it says. Goes out: a file of the library, a path from the same folder, or why it is neither.
 *
 *     usePath("more/losses.dl", "../layers.dl")     // { kind: "file", path: "layers.dl" }
 *     usePath("net.dl", "std/losses.dl")            // { kind: "library", path: "std/losses.dl" }
 */

/** Where a used file is, or a problem with what was written. */
export type UsePath =
  | { readonly kind: "file" | "library"; readonly path: string }
  | { readonly kind: "problem"; readonly problem: string; readonly hint: string };

/** Paths that begin with this name files of the library; a folder of the user's own is written `./std/`. */
const libraryFolder = "std/";

const control = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

/** Reads what stands after `use`. */
export function usePath(from: string, written: string): UsePath {
  const relative = "paths are relative to the file that says `use`";
  const problem = (text: string, hint = relative): UsePath => ({ kind: "problem", problem: text, hint });
  if (written.trim() === "") return problem("`use` needs the path of a file", 'use "layers.dl"');
  if (control.test(written)) return problem("a path has no control characters");
  if (/^[a-z][a-z0-9+.-]+:/i.test(written)) return problem("`use` reads files and no addresses", "save a copy beside this file, and use that");
  if (written.includes("\\")) return problem("the parts of a path are joined by `/`", `use "${written.replaceAll("\\", "/")}"`);
  if (/^(\/|[a-z]:)/i.test(written)) return problem("`use` takes no absolute path");
  if (!written.endsWith(".dl")) return problem("a used file ends in `.dl`", `use "${written}.dl"`);
  if (written.startsWith(libraryFolder)) return { kind: "library", path: written };
  return { kind: "file", path: joinPath(folderOf(from), written) };
}

/** The last part of a path, whatever it is written with. */
export function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1);
}

/** Both, without `.` and `a/..`; leading `..` stay. */
function joinPath(folder: string, path: string): string {
  const parts: string[] = [];
  for (const part of `${folder}${path}`.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === ".." && parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else parts.push(part);
  }
  return parts.join("/");
}
