/**
 * Train blocks that start from others: `train Net as tune { start = pretrain, … }`. In: all blocks of a file. Out: nothing, but
 * unknown names, circles, and blocks of which no parameter has a place in the other's model are reported.
 */
import { print } from "../ir/dims.ts";
import type { Diagnostics } from "../support/diagnostic.ts";
import { suggest } from "../support/suggest.ts";
import type { Train } from "../syntax/ast.ts";
import type { CheckedModel, CheckedTrain } from "./checked.ts";

/** Checks every `start`. Blocks that are wrong themselves are named in `written` alone. */
export function checkChains(trains: readonly CheckedTrain[], models: readonly CheckedModel[], written: readonly Train[], diagnostics: Diagnostics): void {
  const byName = new Map(trains.map((t) => [t.name, t]));
  const names = written.map((t) => t.as?.name ?? t.model.name);
  const circular = new Set<string>();
  for (const train of trains) {
    const { start } = train;
    if (!start || circular.has(train.name)) continue;
    const before = byName.get(start.block);
    if (!before) {
      if (names.includes(start.block)) continue;
      const near = suggest(start.block, names.filter((n) => n !== train.name));
      diagnostics.error({ code: "E0418", message: `there is no train block \`${start.block}\` to start from`, span: start.span, label: "unknown block", ...(near && { hint: `did you mean \`${near}\`?` }) });
      continue;
    }
    const circle = circleFrom(train, byName);
    for (const name of circle ?? []) circular.add(name);
    if (circle) diagnostics.error({ code: "E0419", message: `train blocks start from each other: ${circle.join(" → ")}`, span: start.span, related: [{ span: before.span, text: `\`${before.name}\`` }], hint: "the first of them starts fresh" });
    else checkFit(train, before, models, diagnostics);
  }
}

/** The names from a block back to itself. */
function circleFrom(train: CheckedTrain, byName: ReadonlyMap<string, CheckedTrain>): readonly string[] | undefined {
  const names = [train.name];
  const seen = new Set(names);
  for (let at = train.start; at; at = byName.get(at.block)?.start) {
    names.push(at.block);
    if (at.block === train.name) return names;
    if (seen.has(at.block)) return undefined;
    seen.add(at.block);
  }
  return undefined;
}

/** Something must go over: a parameter of the same path, a former path, or the same path in the other model. */
function checkFit(train: CheckedTrain, before: CheckedTrain, models: readonly CheckedModel[], diagnostics: Diagnostics): void {
  const [mine, other] = [train.model, before.model].map((name) => models.find((m) => m.name === name));
  if (!mine || !other || mine === other) return;
  const shapes = new Map(other.params.map((p) => [p.path, p.type.shape.map(print).join()]));
  const fits = mine.params.some((p) => [p.path, p.was, `${other.name}${p.path.slice(mine.name.length)}`].some((path) => path !== undefined && shapes.get(path) === p.type.shape.map(print).join()));
  if (fits) return;
  diagnostics.error({
    code: "E0418", message: `no parameter of \`${mine.name}\` has the name and shape of one of \`${other.name}\``, span: train.start?.span ?? train.span, label: "nothing would go over",
    related: [{ span: mine.span, text: `\`${mine.name}\`` }, { span: other.span, text: `\`${other.name}\`` }], hint: "what both share is bound to the same names",
  });
}
