/**
 * What a session is fed, held against what a program declares: how many examples it is, and whether its whole numbers are
 * inside their range.
 *
 *     liveOf(program.info, { x: new Float32Array(6) })     // { N: 3 } where x : f32[N, 2]
 */
import { EngineError } from "./runtime/engine.ts";
import type { InputInfo, Program } from "./runtime/program.ts";
import { elementsOf, type Live } from "./runtime/sizes.ts";

/** The batch size that the given inputs have; they must agree. Throws EngineError E0504. */
export function liveOf({ batch, inputs }: Pick<Program, "batch" | "inputs">, feed: Readonly<Record<string, ArrayLike<number>>>): Live {
  if (batch === undefined) return {};
  let rows: number | undefined;
  for (const i of inputs) {
    const values = Object.hasOwn(feed, i.name) ? feed[i.name] : undefined;
    if (!values) continue;
    // What has no batch axis is the same for every example, and says nothing of how many there are.
    const fixed = elementsOf(i.shape, { [batch]: 0 }) === elementsOf(i.shape, { [batch]: 1 }) ? elementsOf(i.shape, { [batch]: 1 }) : undefined;
    if (fixed !== undefined && values.length !== fixed) throw new EngineError("E0504", `${i.name} has ${values.length} numbers where ${fixed} are expected`);
    if (fixed !== undefined) continue;
    const n = rowsOf(values.length, (rows) => elementsOf(i.shape, { [batch]: rows }));
    if (n === undefined) throw new EngineError("E0504", `${i.name} has ${values.length} numbers, which is no whole number of examples of ${elementsOf(i.shape, { [batch]: 1 })}`);
    if (rows !== undefined && rows !== n) throw new EngineError("E0504", `${i.name} has ${n} examples where another input has ${rows}`);
    rows = n;
  }
  return rows === undefined ? { [batch]: 1 } : { [batch]: rows };
}

/** Whole numbers inside the declared range where the model declares them; else EngineError E0508. */
export function checkRange(input: InputInfo, values: ArrayLike<number>): void {
  if (input.dtype === "f32") return;
  const { lo, hi } = input.range ?? { lo: -(2 ** 31), hi: 2 ** 32 };
  for (let k = 0; k < values.length; k++) {
    const value = values[k] ?? Number.NaN;
    if (!Number.isInteger(value) || value < lo || value >= hi)
      throw new EngineError("E0508", `${input.name}: number ${k + 1} is ${value}, ${input.range ? `outside ${lo}..${hi}` : "not a whole number"}`);
  }
}

/** The number of examples at which an input has this many numbers; sizes grow with it, so halving finds it. */
function rowsOf(length: number, sizeAt: (rows: number) => number): number | undefined {
  let [low, high] = [1, Math.max(1, length)];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (sizeAt(middle) < length) low = middle + 1;
    else high = middle;
  }
  return sizeAt(low) === length ? low : undefined;
}
