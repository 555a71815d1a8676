/** The names that an expression, a block or a declaration mentions, wherever they stand; a syntactic look, without scopes. */
import type { Block, Declaration, Expr } from "../syntax/ast.ts";

/** All names in use positions. The walk keeps its own stack, so length does not matter. */
export function mentionedNames(root: Expr | Block | Declaration): ReadonlySet<string> {
  const names = new Set<string>();
  const pending: unknown[] = [root];
  while (pending.length > 0) {
    const at = pending.pop();
    if (Array.isArray(at)) {
      for (const child of at) pending.push(child);
      continue;
    }
    if (typeof at !== "object" || at === null) continue;
    if ("kind" in at && at.kind === "name" && "name" in at && typeof at.name === "string") names.add(at.name);
    if ("kind" in at && at.kind === "instance" && "layer" in at) pending.push({ kind: "name", ...(("from" in at ? at.from : at.layer) as object) });
    for (const [key, child] of Object.entries(at)) if (key !== "span" && key !== "opSpan" && typeof child === "object") pending.push(child);
  }
  return names;
}
