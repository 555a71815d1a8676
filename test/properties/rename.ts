/**
 * All names of a program changed at once. Comes in: a text and a way to make names. Goes out: the text in which every name
 * that the file itself gives has another, and the translation.
 *
 *     renamed("model M { input x: f32[N] … }", (name, k) => `n${k}`)   // "model n0 { input n1: f32[n2] … }"
 *
 * Names that are also said where the language or the library reads them (an argument `axis =`, a key `batch =`, a field)
 * stay, since there they are not the file's to give.
 */
import { canonicalName, tokenize } from "../../grammar/lexer.ts";
import { contextualWords, tokenTypes as T } from "../../grammar/tokens.ts";
import { createLibrary } from "../../src/std/library.ts";
import { Diagnostics } from "../../src/support/diagnostic.ts";
import type { Arg, Expr, File } from "../../src/syntax/ast.ts";
import { parse } from "../../src/syntax/parse.ts";

/** Words with a meaning of their own in some place. */
const special: ReadonlySet<string> = new Set([...contextualWords, "weights", "biases", "params", "training", "t", "g", "θ", "epoch", "row", "best", "validation", "test", "step", "phase", "gradient", "out", "fan_in", "fan_out", "pi", "grad"]);

type Tree = { readonly [key: string]: unknown };
const isTree = (v: unknown): v is Tree => typeof v === "object" && v !== null;

/** Every part of a tree, its places left out. */
function walk(node: unknown, visit: (part: Tree) => void): void {
  if (Array.isArray(node)) for (const part of node) walk(part, visit);
  else if (isTree(node)) {
    visit(node);
    for (const [key, value] of Object.entries(node)) if (key !== "span" && key !== "opSpan") walk(value, visit);
  }
}

/** The names that a file gives. */
function givenNames(file: File): ReadonlySet<string> {
  const given = new Set<string>();
  const own = new Set(file.declarations.flatMap((d) => ("name" in d && d.kind !== "model" ? [d.name.name] : [])));
  const kept = new Set<string>([...special, ...createLibrary().names()]);
  const giving = new Set(["parameter", "input", "param", "state", "lhs", "binder", "const", "fn", "layer", "model", "optimizer", "schedule", "initializer", "loss", "fold", "for"]);
  walk(file, (part) => {
    const kind = String(part["kind"]);
    if (giving.has(kind)) {
      const ident = part["name"] ?? part["index"];
      if (isTree(ident)) given.add(String(ident["name"]));
    }
    if (kind === "fold") for (const carry of part["carries"] as readonly { name: { name: string } }[]) given.add(carry.name.name);
    // Sizes that a type introduces.
    if (kind === "type") for (const d of part["dims"] as readonly Expr[]) if (d.kind === "name") given.add(d.name);
    if (kind === "call" || kind === "instance") {
      const callee = kind === "call" ? (part["callee"] as Expr) : undefined;
      const named = callee?.kind === "name" ? callee.name : kind === "instance" ? (part["layer"] as { name: string }).name : "";
      if (!own.has(named)) for (const a of part["args"] as readonly Arg[]) if (a.name) kept.add(a.name.name);
    }
    if (kind === "field") kept.add((part["name"] as { name: string }).name);
  });
  for (const d of file.declarations) if (d.kind === "train") for (const e of d.entries) kept.add(e.kind === "entry" ? e.key.name : e.name.name);
  return new Set([...given].filter((name) => !kept.has(name)));
}

/** The text with other names, and what became of each. */
export function renamed(text: string, make: (name: string, k: number) => string): { readonly text: string; readonly names: ReadonlyMap<string, string> } {
  const names = new Map([...givenNames(parse({ path: "t.dl", text }, new Diagnostics()))].map((name, k) => [name, make(name, k)]));
  const out: string[] = [];
  let at = 0;
  for (const token of tokenize(text).tokens) {
    const other = token.tokenType === T.Name ? names.get(canonicalName(token.image)) : token.tokenType === T.Text ? pathWith(token.image, names) : undefined;
    if (other === undefined) continue;
    out.push(text.slice(at, token.startOffset), other);
    at = (token.endOffset ?? token.startOffset) + 1;
  }
  return { text: out.join("") + text.slice(at), names };
}

/** A path in a string, `"Net.trunk.*"`, with other names; undefined for a string that is none. */
function pathWith(text: string, names: ReadonlyMap<string, string>): string | undefined {
  const parts = text.slice(1, -1).split(".");
  return parts.length > 1 && names.has(parts[0] ?? "") ? `"${parts.map((p) => names.get(p) ?? p).join(".")}"` : undefined;
}
