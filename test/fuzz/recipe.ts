/**
 * What a fuzzed graph is made from: plain numbers, so that fast-check can shrink a failure and a failure can be pasted
 * into a test. Any recipe is a valid graph (see fuzz-graph.ts); a step whose operands do not fit makes nothing.
 *
 *     { leaves: [[0, 3]], steps: [{ kind: 4, a: 0, b: 7, c: 1 }], live: 3, capacity: 9, loss: 0, seed: 5 }
 */
import fc from "fast-check";

/** One operation: which one, and three numbers that choose its operands and attributes. */
export interface Step {
  readonly kind: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

/** A whole case. */
export interface Recipe {
  /** Shapes of the f32 inputs `x0`, `x1`, …, as positions in a table of sizes. */
  readonly leaves: readonly (readonly number[])[];
  readonly steps: readonly Step[];
  /** The size of the batch `N`, and the most that the plan can hold. */
  readonly live: number;
  readonly capacity: number;
  /** Which loss is differentiated. */
  readonly loss: number;
  /** Values of the leaves. */
  readonly seed: number;
}

/** Capacities of the batch: around the widths of vectors, tiles and workgroups, and where long sums are split. */
const capacities = [1, 2, 5, 8, 16, 17, 33, 64, 65, 130, 2100] as const;

/** Kinds from here on are ops that go in turns, or order. */
export const firstInTurns = 10_000;
/** Kinds from here on are layers of a network. */
export const firstLayer = 11_001;

/** Recipes of at most `steps` steps. */
export function recipes(steps: number): fc.Arbitrary<Recipe> {
  const some = fc.nat({ max: 9_999 });
  const shape = fc.array(some, { maxLength: 4, size: "max" });
  // Without bias: small numbers are no simpler than large ones here, and small graphs find little.
  return fc.noBias(
    fc
      .record({
        leaves: fc.array(shape, { minLength: 1, maxLength: 3, size: "max" }),
        steps: fc.array(fc.record({ kind: fc.nat({ max: firstLayer + 1_500 }), a: some, b: some, c: some }), { minLength: 1, maxLength: steps, size: "max" }),
        capacity: fc.constantFrom(...capacities),
        part: fc.double({ min: 0, max: 1, noNaN: true }),
        loss: some,
        seed: some,
      })
      .map(({ part, ...rest }) => ({ ...rest, live: Math.max(1, Math.min(rest.capacity, Math.ceil(part * 1.3 * rest.capacity))) })),
  );
}
