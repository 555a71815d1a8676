/**
 * A compiled program in a line: how many parameters it has and where they are.
 *
 *     printProgram(program)   // "Digits: 4 parameters, 2,410 numbers"
 */
import type { CompiledProgram } from "../compile.ts";
import type { StoredTensor } from "../harness/runtime/program.ts";
import { elementsOf } from "../harness/runtime/sizes.ts";

/** How many numbers the parameters hold. */
export function countNumbers(tensors: readonly StoredTensor[]): number {
  return tensors.filter((t) => t.kind === "param").reduce((sum, t) => sum + elementsOf(t.shape, {}), 0);
}

/** `2,410`. */
export function printCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `9.8 KB`, by powers of 1000 as disks count. */
export function printBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** `1 file`, `2 files`. */
export function printPlural(count: number, one: string, many = `${one}s`): string {
  return `${printCount(count)} ${count === 1 ? one : many}`;
}

/** One program in a line. */
export function printProgram(program: CompiledProgram): string {
  const tensors = program.info.store.tensors;
  const params = tensors.filter((t) => t.kind === "param").length;
  return `${program.model.name}: ${printPlural(params, "parameter")}, ${printPlural(countNumbers(tensors), "number")}`;
}
