/**
 * The library in `.dl`, by name. A file is parsed when one of its names is first asked for, and kept by the library
 * object that `createLibrary` makes: whoever holds on to it pays once.
 *
 *     createLibrary().find("relu", diagnostics)   // the declaration in std/activations.dl
 */
import type { Diagnostics } from "../support/diagnostic.ts";
import type { Source } from "../support/span.ts";
import type { Declaration, File } from "../syntax/ast.ts";
import { parse } from "../syntax/parse.ts";
import { type LibraryFile, libraryFiles } from "./sources.generated.ts";

/** Finds declarations of the library. */
export interface Library {
  /** The declaration of a name, or undefined. */
  readonly find: (name: string, diagnostics: Diagnostics) => Declaration | undefined;
  /** One of its files, by its path: `std/losses.dl`. */
  readonly file: (path: string, diagnostics: Diagnostics) => File | undefined;
  /** The paths of its files. */
  readonly files: () => readonly string[];
  /** All names. */
  readonly names: () => readonly string[];
  /** Whether a source is a file of the library. */
  readonly owns: (source: Source) => boolean;
}

/** A library with nothing parsed yet. */
export function createLibrary(): Library {
  const sources = new Map<LibraryFile, Source>();
  const parsed = new Map<LibraryFile, File>();
  const read = (file: LibraryFile, diagnostics: Diagnostics): File => {
    const known = parsed.get(file);
    if (known) return known;
    const source: Source = { path: file.path, text: file.text };
    sources.set(file, source);
    const made = parse(source, diagnostics);
    parsed.set(file, made);
    return made;
  };
  return {
    find: (name, diagnostics) => {
      const file = libraryFiles.find((f) => f.names.includes(name));
      return file && read(file, diagnostics).declarations.find((d) => "name" in d && d.name.name === name);
    },
    file: (path, diagnostics) => {
      const file = libraryFiles.find((f) => f.path === path);
      return file && read(file, diagnostics);
    },
    files: () => libraryFiles.map((f) => f.path),
    names: () => libraryFiles.flatMap((f) => f.names),
    owns: (source) => [...sources.values()].includes(source),
  };
}

/** Whether a source says what a file of the library says, whoever parsed it. */
export function isLibrarySource(source: Source): boolean {
  return libraryFiles.some((f) => f.path === source.path && f.text === source.text);
}
