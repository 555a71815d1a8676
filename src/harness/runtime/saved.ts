/**
 * What a weights file holds of a program's stored tensors, and which of them a file's tensors are. What a model has learned is its parameters
 * and states of its own, such as running means; optimizer state is not.
 *
 *     matchSaved(readSafetensors(bytes), store.tensors, "Net")     ->     { fitting: [["Net.W", values], …], missing: ["Net.b"] }
 */
import { EngineError, type Values } from "./engine.ts";
import type { StoredTensor } from "./program.ts";
import type { SavedTensor } from "./safetensors.ts";

/** True for what a weights file holds. */
export function isSaved({ kind, entry, name }: StoredTensor): boolean {
  return kind === "param" || (entry === undefined && name !== "status");
}

/**
 * Values of a file for stored tensors, also under former paths, or, from a file of another model, under the same names in this one where their
 * shapes fit; and the parameters that it lacks. Throws EngineError E0504 on another shape.
 */
export function matchSaved(
  { tensors, metadata }: { readonly tensors: readonly SavedTensor[]; readonly metadata: Readonly<Record<string, string>> }, stored: readonly StoredTensor[], model: string,
): { readonly fitting: readonly (readonly [path: string, values: Values])[]; readonly missing: readonly string[] } {
  const saved = new Map(tensors.map((t) => [t.name, t]));
  // What another model has under the same names goes over where it fits.
  const elsewhere = (path: string): SavedTensor | undefined =>
    metadata["model"] === undefined || metadata["model"] === model ? undefined : saved.get(`${metadata["model"]}${path.slice(model.length)}`);
  const missing: string[] = [];
  const fitting: (readonly [path: string, values: Values])[] = [];
  for (const t of stored.filter(isSaved)) {
    const found = saved.get(t.name) ?? (t.was === undefined ? undefined : saved.get(t.was));
    const other = found ?? elsewhere(t.name);
    if (other && other.shape.join() === t.shape.join()) fitting.push([t.name, other.data]);
    else if (!found && t.kind === "param") missing.push(t.name);
    else if (found) throw new EngineError("E0504", `${t.name} has the shape [${t.shape.join(", ")}]; the file holds [${found.shape.join(", ")}]`);
  }
  return { fitting, missing };
}
