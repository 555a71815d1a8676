/**
 * The library in `.dl`, by name. A declaration is parsed when it is first asked for, and kept by the library object that
 * `createLibrary` makes: whoever holds on to it pays once, and for what is used.
 *
 *     createLibrary().find("relu", diagnostics)   // the declaration in std/activations.dl
 */
import type { Diagnostics } from "../support/diagnostic.ts";
import { type Source, spanOf } from "../support/span.ts";
import type { Declaration, File } from "../syntax/ast.ts";
import { type Part, parse } from "../syntax/parse.ts";
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
  const opened = new Map<LibraryFile, OpenFile>();
  const open = (file: LibraryFile): OpenFile => {
    const known = opened.get(file) ?? { source: { path: file.path, text: file.text }, parts: partsOf(file), declarations: new Map() };
    opened.set(file, known);
    return known;
  };
  const declare = ({ source, parts, declarations }: OpenFile, name: string, diagnostics: Diagnostics): Declaration | undefined => {
    const known = declarations.get(name);
    if (known) return known;
    const [made] = parse(source, diagnostics, parts.get(name)).declarations;
    if (made) declarations.set(name, made);
    return made;
  };
  return {
    find: (name, diagnostics) => {
      const file = fileOf.get(name);
      return file && declare(open(file), name, diagnostics);
    },
    file: (path, diagnostics) => {
      const found = libraryFiles.find((f) => f.path === path);
      if (!found) return undefined;
      const file = open(found);
      return { kind: "file", span: spanOf(file.source, 0, found.text.length), declarations: found.names.flatMap((name) => declare(file, name, diagnostics) ?? []) };
    },
    files: () => libraryFiles.map((f) => f.path),
    names: () => libraryFiles.flatMap((f) => f.names),
    owns: (source) => [...opened.values()].some((f) => f.source === source),
  };
}

/** A file of which something was asked: where its declarations stand, and those that are parsed. */
interface OpenFile {
  readonly source: Source;
  readonly parts: ReadonlyMap<string, Part>;
  readonly declarations: Map<string, Declaration>;
}

const fileOf: ReadonlyMap<string, LibraryFile> = new Map(libraryFiles.flatMap((file) => file.names.map((name) => [name, file] as const)));

/** Where each declaration stands, its docs included: declarations and their docs begin at the start of a line, in the order of the names. */
function partsOf({ text, names }: LibraryFile): ReadonlyMap<string, Part> {
  const starts = [...text.matchAll(/(?:^##.*\n)*^(?:fn|layer|optimizer|schedule|initializer|const)\s/gm)].map((m) => m.index);
  return new Map(names.map((name, k) => [name, { start: starts[k] ?? 0, end: starts[k + 1] ?? text.length }]));
}

/** Whether a source says what a file of the library says, whoever parsed it. */
export function isLibrarySource(source: Source): boolean {
  return libraryFiles.some((f) => f.path === source.path && f.text === source.text);
}
