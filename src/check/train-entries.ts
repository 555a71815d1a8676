/**
 * The entries of a train block and of its sections by name. In: a list of entries and the keys it may have. Out: each
 * key's entry, and the sections in text order; unknown keys, keys given twice and sections out of place are reported.
 *
 *     readEntries(cx, train.entries, trainForm)     // { keys: { data, batch, … }, sections: [step critic, step generator] }
 */
import { suggest } from "../support/suggest.ts";
import type { Entry, SectionEntry, ValueEntry } from "../syntax/ast.ts";
import type { Context } from "./context.ts";
import { foreignKey } from "./foreign-names.ts";
import { labelAt } from "./problem.ts";

/** What stands between a pair of braces. */
export interface Entries {
  readonly keys: ReadonlyMap<string, ValueEntry>;
  readonly sections: readonly SectionEntry[];
  /** The keys that unknown ones may be meant for; `any` for one that could be whatever is missing. */
  readonly meant: Meant;
}

/** See `Entries`. */
export type Meant = readonly (string | typeof any)[];

/** Stands for every key. */
export const any = Symbol("any key");

/** Whether one of these keys may stand there under another name: then that it is missing is no second mistake. */
export function mayBeMeant(meant: Meant, ...keys: readonly string[]): boolean {
  return meant.some((m) => m === any || keys.includes(m));
}

/** What may stand there. */
export interface Form {
  /** For messages: `a train block`. */
  readonly what: string;
  readonly keys: readonly string[];
  readonly sections: readonly string[];
}

/** `train M { … }` */
export const trainForm: Form = {
  what: "a train block", keys: ["start", "data", "split", "batch", "epochs", "steps", "optimizer", "clip", "constrain", "freeze", "fit", "only", "stop", "seed"], sections: ["step", "phase"],
};

/** `phase warm { … }` */
export const phaseForm: Form = {
  what: "a phase", keys: ["start", "batch", "epochs", "steps", "optimizer", "clip", "constrain", "freeze", "fit", "only", "stop"], sections: ["step"],
};

/** `step critic { … }` */
export const stepForm: Form = { what: "a step", keys: ["minimize", "maximize", "over", "optimizer", "clip", "constrain", "times"], sections: [] };

/** The entries, each key once. */
export function readEntries(cx: Context, entries: readonly Entry[], form: Form): Entries {
  const meant: (string | typeof any)[] = [];
  const keys = new Map<string, ValueEntry>();
  const sections: SectionEntry[] = [];
  for (const entry of entries) {
    if (entry.kind === "section") {
      if (acceptsSection(cx, entry, sections, form)) sections.push(entry);
      else meant.push(any);
      continue;
    }
    const { name, span } = entry.key;
    const before = keys.get(name);
    if (!form.keys.includes(name)) {
      if (form === phaseForm && trainForm.keys.includes(name)) {
        cx.error({ code: "E0401", message: `\`${name}\` belongs to the whole block, and a phase cannot change it`, span, hint: name === "data" ? "write two train blocks, and start the second from the weights of the first" : undefined });
        continue;
      }
      const near = suggest(name, form.keys);
      const foreign = foreignKey(name, form.keys);
      const hint = near ? `did you mean \`${near}\`?` : (foreign?.hint ?? `it has ${form.keys.join(", ")}`);
      meant.push(near ?? foreign?.key ?? any);
      cx.error({ code: "E0401", message: `${form.what} has no \`${name}\``, span, label: "unknown key", hint });
    } else if (before) {
      cx.error({ code: "E0406", message: `\`${name}\` is given twice`, span, related: [labelAt(before.key.span, "first here")] });
    } else keys.set(name, entry);
  }
  return { keys, sections, meant };
}

function acceptsSection(cx: Context, section: SectionEntry, before: readonly SectionEntry[], form: Form): boolean {
  const { name, span } = section.keyword;
  if (!form.sections.includes(name)) {
    const near = suggest(name, form.sections);
    cx.error({ code: "E0401", message: `there is no section \`${name}\` in ${form.what}`, span, hint: near ? `did you mean \`${near} ${section.name.name} { … }\`?` : undefined });
    return false;
  }
  const twice = before.find((s) => s.name.name === section.name.name && s.keyword.name === name);
  if (!twice) return true;
  cx.error({ code: "E0406", message: `two ${name}s are called \`${section.name.name}\``, span: section.name.span, related: [labelAt(twice.name.span, "the first")] });
  return false;
}
