/** A budget of bytes: what is made anew is what it was, whatever order of kernels, and a plan that fits is under the budget. */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Buffer, Kernel } from "../../src/ir/kernel.ts";
import { liveness, lowerBound } from "../../src/memory/liveness.ts";
import { placedBytes } from "../../src/memory/plan.ts";
import { align, bytesOf } from "../../src/memory/placement.ts";
import { recompute } from "../../src/memory/recompute.ts";
import { Replay } from "../../src/memory/replay.ts";
import { UserError } from "../../src/support/diagnostic.ts";

const placed = (kernels: readonly Kernel[]): number => placedBytes(kernels, { reuse: true, inPlace: true, apart: true });

let ids = 0;
function buffer(name: string, elements: number, place: Buffer["place"] = "temp"): Buffer {
  return { id: ids++, name, dtype: "f32", shape: [elements], elements, place, path: name };
}

function kernel(name: string, reads: readonly Buffer[], writes: readonly Buffer[]): Kernel {
  return {
    name, family: "pointwise", workgroup: [64, 1, 1], grid: [{ size: 1, per: 1 }, { size: 1, per: 1 }, { size: 1, per: 1 }],
    buffers: [...new Set([...reads, ...writes])], reads: new Set(reads), writes: new Set(writes), params: [], body: [], nests: [],
  };
}

/** What every kernel makes, by name, from what it reads at that moment: a name that makes two things is a mistake. */
function meanings(kernels: readonly Kernel[]): ReadonlyMap<string, ReadonlySet<number>> {
  const held = new Map<Buffer, number>();
  const texts = new Map<string, number>();
  const made = new Map<string, Set<number>>();
  for (const k of kernels) {
    const text = `${k.name}(${[...k.reads].map((b) => held.get(b) ?? (b.place === "temp" ? "nothing" : b.name)).join()})`;
    const value = texts.get(text) ?? texts.size;
    texts.set(text, value);
    made.set(k.name, (made.get(k.name) ?? new Set()).add(value));
    [...k.writes].forEach((b, j) => held.set(b, value * 8 + j));
  }
  return made;
}

/** Kernels that read what was made before, forward and back, one or two results each; some change a parameter in place. */
const programs = fc
  .array(fc.record({ size: fc.integer({ min: 1, max: 9 }), back: fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 3 }), two: fc.boolean(), param: fc.integer({ min: 0, max: 9 }) }), { minLength: 2, maxLength: 40 })
  .map((steps) => {
    const params = [buffer("p0", 8, "param"), buffer("p1", 8, "param")];
    const made: Buffer[] = [];
    return steps.map(({ size, back, two, param }, at) => {
      const reads = [...new Set(back.map((b) => made[made.length - b]).filter((b) => b !== undefined))];
      const p = params[param % 2] as Buffer;
      if (param >= 8) return kernel(`k${at}`, [...reads, p], [p]);
      const out = [buffer(`t${at}`, size * 64), ...(two ? [buffer(`u${at}`, 64)] : [])];
      made.push(...out);
      return kernel(`k${at}`, param >= 4 ? [...reads, p] : reads, out);
    });
  });

it("whatever is let go, every kernel makes what it made", () => {
  fc.assert(
    fc.property(programs, fc.array(fc.boolean(), { minLength: 80, maxLength: 80 }), (kernels, bits) => {
      const replay = new Replay(kernels);
      let gone = new Set([...replay.values.keys()].filter((_, k) => bits[k]));
      let made = replay.without(gone);
      while (made.needed.size > 0) {
        gone = new Set([...gone].filter((b) => !made.needed.has(b)));
        made = replay.without(gone);
      }
      expect(meanings(made.kernels)).toEqual(meanings(kernels));
      expect(made.kernels.length).toBe(kernels.length + made.repeated.length);
    }),
    { numRuns: 1000 },
  );
});

it("a budget is kept or refused with the least", () => {
  fc.assert(
    fc.property(programs, fc.double({ min: 0.1, max: 1, noNaN: true }), (kernels, part) => {
      const budget = Math.ceil(placed(kernels) * part);
      try {
        const fitted = recompute(kernels, { entry: "step", budget, cost: () => 1, placed });
        expect(placed(fitted)).toBeLessThanOrEqual(budget);
        expect(meanings(fitted)).toEqual(meanings(kernels));
      } catch (error) {
        expect(error).toBeInstanceOf(UserError);
        expect(part).toBeLessThan(1);
      }
    }),
    { numRuns: 200 },
  );
});

it("a chain of n values is run with some 2 √n of them", () => {
  const n = 64;
  const size = 64 * 64;
  const values = Array.from({ length: n + 1 }, (_, k) => buffer(`h${k}`, size));
  const grads = Array.from({ length: n + 1 }, (_, k) => buffer(`g${k}`, size));
  const forward = values.map((h, k) => kernel(`f${k}`, k === 0 ? [] : [values[k - 1] as Buffer], [h]));
  const backward = grads.map((g, k) => kernel(`b${k}`, k === 0 ? [values[n] as Buffer] : [grads[k - 1] as Buffer, values[n - k] as Buffer], [g]));
  const kernels = [...forward, ...backward];
  const fitted = recompute(kernels, { entry: "step", budget: 20 * size * 4, cost: () => 1, placed });
  const bytes = (b: Buffer): number => align(bytesOf(b));
  expect(lowerBound(liveness(kernels), bytes, kernels.length)).toBeGreaterThan(60 * size * 4);
  expect(lowerBound(liveness(fitted), bytes, fitted.length)).toBeLessThanOrEqual(20 * size * 4);
  expect(fitted.length).toBeLessThan(kernels.length + n);
});
