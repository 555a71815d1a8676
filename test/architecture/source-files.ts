/**
 * The TypeScript files of the repository as syntax trees, and what each imports. Comes in: a folder. Goes out:
 * `SourceFile` records with repository-relative paths. Only syntax is read, no types, so it is fast.
 *
 *     const file = parseSource("src/a.ts", 'import type { B } from "./b.ts";');
 *     importsOf(file)   // [{ target: "src/b.ts", line: 1, … }]
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { ts } from "ts-morph";

/** One file: its path from the root of the repository, its text and its tree. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
}

/** One import. `target` is a repository path for relative imports and the bare specifier otherwise. */
export interface Import {
  readonly target: string;
  readonly relative: boolean;
  readonly typeOnly: boolean;
  readonly dynamic: boolean;
  readonly line: number;
}

/** Every file git would commit: tracked ones and untracked ones that are not ignored. */
export function listFiles(root: string): readonly string[] {
  const out = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: root, encoding: "utf8", maxBuffer: 1 << 26 });
  return out.split("\0").filter((f) => f !== "" && existsSync(path.join(root, f))).sort();
}

/** Parses one text under a repository path. */
export function parseSource(file: string, text: string): SourceFile {
  return { path: file, text, tree: ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true, ts.ScriptKind.TS) };
}

/** Reads and parses the TypeScript files among `files`. */
export function readSources(root: string, files: readonly string[]): readonly SourceFile[] {
  return files.filter((f) => f.endsWith(".ts")).map((f) => parseSource(f, readFileSync(path.join(root, f), "utf8")));
}

/** Calls `visit` on every node of the tree, outermost first. */
export function walk(file: SourceFile, visit: (node: ts.Node) => void): void {
  const step = (node: ts.Node): void => {
    visit(node);
    ts.forEachChild(node, step);
  };
  step(file.tree);
}

/** The 1-based line of a node, without its leading comments. */
export function lineOf(file: SourceFile, node: ts.Node): number {
  return file.tree.getLineAndCharacterOfPosition(node.getStart(file.tree)).line + 1;
}

const known = new WeakMap<SourceFile, readonly Import[]>();

/** Static, re-exporting, dynamic and type-position imports. */
export function importsOf(file: SourceFile): readonly Import[] {
  const found = known.get(file) ?? readImports(file);
  known.set(file, found);
  return found;
}

function readImports(file: SourceFile): readonly Import[] {
  const found: Import[] = [];
  const add = (specifier: ts.Node | undefined, typeOnly: boolean, dynamic: boolean): void => {
    if (!specifier || !ts.isStringLiteralLike(specifier)) return;
    const relative = specifier.text.startsWith(".");
    const target = relative ? path.posix.normalize(path.posix.join(path.posix.dirname(file.path), specifier.text)) : specifier.text;
    found.push({ target, relative, typeOnly, dynamic, line: lineOf(file, specifier) });
  };
  walk(file, (node) => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, node.importClause?.isTypeOnly === true, false);
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly, false);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true, false);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0], false, true);
  });
  return found;
}
