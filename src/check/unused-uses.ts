/**
 * W0105: a `use` of whose file nothing is mentioned. Comes in: the files of a program. Goes out: a warning for each such `use`.
 *
 *     use "parts.dl"             and no name that parts.dl declares stands in this file
 *     use "parts.dl" as parts    and `parts` stands nowhere
 *
 * A look at the text alone: a name that is bound here again counts as mentioned.
 */
import type { Declaration, Use } from "../syntax/ast.ts";
import type { Context } from "./context.ts";
import type { ProgramFile } from "./files.ts";
import { labelAt } from "./problem.ts";
import { mentionedNames } from "./mentions.ts";

/** Warns of what is used for nothing. */
export function warnUnusedUses(cx: Context, files: readonly ProgramFile[]): void {
  for (const { declarations, used } of files) {
    if (used.size === 0) continue;
    const mentioned = new Set(declarations.flatMap((d) => [...namesIn(d)]));
    const seen = new Map<ProgramFile, Use>();
    for (const [use, file] of used) {
      const before = use.as ? undefined : seen.get(file);
      if (!use.as) seen.set(file, use);
      const offered = use.as ? [use.as.name] : [...file.members.keys(), ...file.models.keys()];
      if (!before && offered.some((name) => mentioned.has(name))) continue;
      cx.warn({
        code: "W0105",
        message: before ? (before.path.value === use.path.value ? `\`${use.path.value}\` is used twice` : `\`${use.path.value}\` is the file \`${before.path.value}\`, which is used already`) : offered.length === 0 ? `\`${use.path.value}\` declares nothing that could be used` : `nothing of \`${use.path.value}\` is used`,
        span: use.span, label: before ? "again" : "for nothing", related: [labelAt(before?.span, "the first")], hint: "leave it out",
      });
    }
  }
}

/** What a declaration mentions: names in expressions and types, and what a train block names. */
function namesIn(declaration: Declaration): Iterable<string> {
  if (declaration.kind === "use") return [];
  const names = mentionedNames(declaration);
  return declaration.kind === "train" ? [...names, declaration.model.name, ...(declaration.from ? [declaration.from.name] : [])] : names;
}
