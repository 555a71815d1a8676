/**
 * Drops values nobody uses. Comes in: statements. Goes out: the same without lets, loads and arrays that no later statement refers to.
 *
 *     let q = i / 64; let r = i % 64; store y[i]     ->     store y[i]
 */
import type { KernelStmt } from "../src/ir/kernel.ts";
import type { Scalar } from "../src/ir/scalar.ts";

/** The statements that matter. */
export function dropUnused(body: readonly KernelStmt[]): readonly KernelStmt[] {
  return sweep(body, new Set());
}

/** From the last to the first: what a kept statement refers to is used. */
function sweep(body: readonly KernelStmt[], used: Set<number>): readonly KernelStmt[] {
  const note = (s: Scalar): void => {
    if (s.kind === "ref") used.add(s.id);
    else if (s.kind === "op" || s.kind === "call") s.args.forEach(note);
  };
  const kept: KernelStmt[] = [];
  for (const s of body.toReversed()) {
    if ((s.kind === "let" || s.kind === "load" || s.kind === "array" || s.kind === "element") && !used.has(s.id)) continue;
    if (s.kind === "load4" && !s.ids.some((id) => used.has(id))) continue;
    switch (s.kind) {
      case "let":
      case "assign":
      case "write_shared":
        note(s.value);
        break;
      case "write_shared4":
        s.values.forEach(note);
        break;
      case "var":
        note(s.init);
        break;
      case "store":
        note(s.value);
        break;
      case "store4":
        s.values.forEach(note);
        break;
      case "for":
        note(s.from);
        note(s.to);
        break;
      case "if":
        note(s.condition);
        break;
      case "array":
        s.values.forEach(note);
        break;
      case "element":
        used.add(s.array);
    }
    if ("index" in s) note(s.index);
    if ("guard" in s && s.guard) note(s.guard);
    if (s.kind === "for") kept.push({ ...s, body: sweep(s.body, used) });
    else if (s.kind === "if") kept.push({ ...s, body: sweep(s.body, used), ...(s.otherwise && { otherwise: sweep(s.otherwise, used) }) });
    else kept.push(s);
  }
  return kept.reverse();
}
