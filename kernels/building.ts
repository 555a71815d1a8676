/**
 * What building a kernel's text takes. Comes in: statements, the prices of a device class. Goes out: nanoseconds.
 *
 *     a product of 16 x 4 in step: 10 accesses beside 64 accumulators, 600 operations     ->     40 ms on a processor that plays GPU
 *
 * Each access and each operation costs something, an access more for each accumulator that stays alive across it.
 */
import type { KernelStmt } from "../src/ir/kernel.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import { type Prices, ratios } from "../src/schedule/prices.ts";

/** Nanoseconds of one text with these statements. */
export function building(body: readonly KernelStmt[], { buildAccess: [access, perCell], buildOperation: [operation] }: Prices): number {
  let [accesses, operations, cells] = [0, 0, 0];
  const scalar = (s: Scalar): void => {
    if (s.kind !== "op" && s.kind !== "call") return;
    operations++;
    s.args.forEach(scalar);
  };
  const visit = (s: KernelStmt): void => {
    if ("index" in s) scalar(s.index);
    if ("value" in s) scalar(s.value);
    switch (s.kind) {
      case "load":
      case "store":
        accesses++;
        return;
      case "load4":
      case "store4":
        accesses += ratios.wide;
        return;
      case "var":
        cells++;
        return;
      case "for":
        s.body.forEach(visit);
        return;
      case "if":
        [...s.body, ...(s.otherwise ?? [])].forEach(visit);
    }
  };
  body.forEach(visit);
  return accesses * (access + perCell * cells) + operations * operation;
}
