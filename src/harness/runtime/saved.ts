/** Which stored tensors are what a model has learned: parameters, and states of its own such as running means. Optimizer state is not. */
import type { StoredTensor } from "./program.ts";

/** True for what a weights file holds. */
export function isSaved({ kind, entry, name }: StoredTensor): boolean {
  return kind === "param" || (entry === undefined && name !== "status");
}
