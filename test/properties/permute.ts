/**
 * A program in another order. Comes in: a file and chance. Goes out: a text with its declarations shuffled, and with the
 * statements of every block shuffled as far as one does not need another.
 *
 *     permuted(file, choose)
 */
import type { Block, Declaration, File, Statement } from "../../src/syntax/ast.ts";
import { printAst } from "../../src/syntax/print-ast.ts";

type Choose = (below: number) => number;

/** The names that a tree says or gives. */
function namesIn(node: unknown, into: Set<string>): Set<string> {
  if (Array.isArray(node)) for (const part of node) namesIn(part, into);
  else if (typeof node === "object" && node !== null) {
    const { name } = node as { readonly name?: unknown };
    if (typeof name === "string") into.add(name);
    for (const [key, value] of Object.entries(node)) if (key !== "span" && key !== "opSpan") namesIn(value, into);
  }
  return into;
}

/** The names that a statement gives: those that later statements may need, and earlier ones must not meet. */
function givenBy(s: Statement): ReadonlySet<string> {
  switch (s.kind) {
    case "bind": return new Set(s.targets.map((t) => t.name.name));
    case "output":
    case "metric": return new Set([s.target.name.name]);
    case "input":
      // Its sizes as well: the first type that says a size gives it.
      return namesIn([s.name, s.type.dims], new Set());
    case "param":
    case "state": return new Set([s.name.name]);
    // What is said of the whole objective stands below its terms.
    case "loss":
    case "goal": return new Set(["loss", "g", "hvp", ...(s.kind === "loss" && s.name ? [s.name.name] : [])]);
    case "for": return new Set(s.body.statements.flatMap((inner) => [...givenBy(inner)]));
    default: return new Set();
  }
}

/** A random order in which every statement comes after those that it needs. */
function shuffled(statements: readonly Statement[], choose: Choose): readonly Statement[] {
  const parts = statements.map((s) => ({ s, given: givenBy(s), said: namesIn(s, new Set()) }));
  const meets = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean => [...a].some((name) => b.has(name));
  const left = new Set(parts);
  const out: Statement[] = [];
  while (left.size > 0) {
    const ready = [...left].filter((p) => {
      for (const other of left) {
        if (other === p) return p.s.kind !== "return" || left.size === 1;
        if (meets(other.given, p.said) || meets(p.given, other.said)) return false;
      }
      return false;
    });
    const chosen = ready[choose(ready.length)];
    if (!chosen) throw new Error("no order");
    left.delete(chosen);
    out.push(chosen.s);
  }
  return out;
}

function inBlock(block: Block, choose: Choose): Block {
  const last = block.statements.at(-1);
  // The results that end a loop's block stay where they are.
  const fixed = last?.kind === "expression" ? [last] : [];
  const free = fixed.length > 0 ? block.statements.slice(0, -1) : block.statements;
  return { ...block, statements: [...shuffled(free, choose).map((s) => (s.kind === "for" ? { ...s, body: inBlock(s.body, choose) } : s)), ...fixed] };
}

/** The text of the file in another order. */
export function permuted(file: File, choose: Choose): string {
  const left: Declaration[] = file.declarations.map((d) => ("body" in d && d.body.kind === "block" ? { ...d, body: inBlock(d.body, choose) } : d));
  const declarations: Declaration[] = [];
  while (left.length > 0) declarations.push(...left.splice(choose(left.length), 1));
  return printAst({ ...file, declarations });
}
