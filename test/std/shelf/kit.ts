/**
 * The tests of a shelf of the library, made from its records: each value against the formula written by hand, from the graph as
 * built and as simplified; each gradient and each second derivative against central differences; stated points exactly; and every gradient as a golden text.
 *
 *     describeShelf("losses", losses)        // keeps test/golden/shelf/losses.txt
 */
import { describe, expect, it } from "vitest";
import type { Tensor64 } from "../../../src/ops/op.ts";
import { printFormulas } from "../../../src/report/print-formulas.ts";
import { isLibrarySource } from "../../../src/std/library.ts";
import { byName, type OpenedRecord, openRecord } from "./open-record.ts";
import { type ByHand, flatten, type Nested, type ShelfRecord, shapeOf } from "./record.ts";

/** Defines the tests of a shelf. */
export function describeShelf(shelf: string, records: readonly ShelfRecord[]): void {
  const opened = new Map<ShelfRecord, OpenedRecord>();
  const open = (record: ShelfRecord): OpenedRecord => {
    const known = opened.get(record) ?? openRecord(record);
    opened.set(record, known);
    return known;
  };

  describe(shelf, () => {
    it.each(records.map((r) => [titleOf(r), r] as const))("%s", (_, record) => {
      checkRecord(record, open(record));
    });

    it("has the gradients of the golden file", async () => {
      const sections = records.flatMap((record) => {
        const m = open(record);
        return record.still === true || m.differentiable.length === 0
          ? []
          : [`${titleOf(record)}
${printFormulas(m.gradients, { model: "M", isLibrary: isLibrarySource })}`];
      });
      if (sections.length > 0) await expect(sections.join("\n")).toMatchFileSnapshot(`../../golden/shelf/${shelf}.txt`);
    });
  });
}

/** Everything that a record says. Throws where the library disagrees. */
export function checkRecord(record: ShelfRecord, m: OpenedRecord = openRecord(record)): void {
  checkValue(record, m);
  if (record.updates) checkUpdates(record, m);
  checkGradient(record, m);
  if (record.still !== true) checkCurvature(record, m);
  for (const point of record.points ?? []) checkPoint(record, m, point);
}

/** The call, and what tells apart two records of one call. */
export const titleOf = (r: ShelfRecord): string => `${r.call}${r.training === true ? ", training" : ""}`;

/** What a call gives, by result, whatever the form that it was written in. */
function byResult(record: ShelfRecord, value: ByHand): Record<string, Nested> {
  const names = record.results ?? ["v"];
  if (typeof value === "number" || Array.isArray(value)) return { [names[0] ?? "v"]: value as Nested };
  return value as Record<string, Nested>;
}

/** Element by element; `within` is relative to what is at least 1. */
export function expectNear(found: ArrayLike<number>, wanted: readonly number[], within: number, what: string): void {
  expect(found.length, `${what}: how many numbers`).toBe(wanted.length);
  wanted.forEach((w, k) => {
    const f = found[k] as number;
    const near = Object.is(f, w) || Math.abs(f - w) <= within * Math.max(1, Math.abs(w));
    expect(near, `${what}, number ${k}: ${f}, by hand ${w}`).toBe(true);
  });
}

function expectResults(record: ShelfRecord, found: Readonly<Record<string, Tensor64>>, wanted: ByHand, within: number, what: string): void {
  const hand = byResult(record, wanted);
  expect(Object.keys(found).sort(), what).toEqual(Object.keys(hand).sort());
  for (const [name, value] of Object.entries(hand)) expectNear(found[name]?.data ?? [], flatten(value), within, `${what} ${name}`);
}

function checkValue(record: ShelfRecord, m: OpenedRecord): void {
  const { results, simplified, given } = m.at({});
  const wanted = record.value(given);
  const within = record.within ?? 1e-9;
  expectResults(record, results, wanted, within, "the value");
  expectResults(record, simplified, wanted, within, "the simplified value");
}

function checkUpdates(record: ShelfRecord, m: OpenedRecord): void {
  const { updates, given } = m.at({});
  const wanted = record.updates?.(given) ?? {};
  expect(Object.keys(updates).sort()).toEqual(Object.keys(wanted).sort());
  for (const [path, value] of Object.entries(wanted)) expectNear(updates[path]?.data ?? [], flatten(value), 1e-9, `what ${path} becomes`);
}

/** Weights that tell the places of a result apart. */
const weights = (result: string, k: number): number => 0.5 + (((k * 7 + result.length * 3) % 11) - 4) / 5;
const epsilon = 1e-5;

function checkGradient(record: ShelfRecord, m: OpenedRecord): void {
  const given = { ...byName(record.inputs), ...record.stored };
  const scalar = Object.values(m.at({}).results).map((r) => r.shape.length === 0);
  const weight = (result: string, k: number): number => (scalar.every(Boolean) ? 1 : weights(result, k));
  const { gradients } = m.at({}, weight);
  let moved = 0;
  for (const name of m.differentiable) {
    const start = given[name];
    if (start === undefined) throw new Error(`${record.call}: nothing is given for ${name}`);
    const numbers = flatten(start);
    const still = record.still === true || record.still?.includes(name) === true;
    const differences = numbers.map((x, k) => {
      const around = [x + epsilon, x - epsilon].map((v) => m.total({ [name]: reshape(start, numbers.map((n, i) => (i === k ? v : n))) }, weight));
      return ((around[0] ?? 0) - (around[1] ?? 0)) / (2 * epsilon);
    });
    expectNear(gradients[name]?.data ?? [], still ? numbers.map(() => 0) : differences, 1e-7, `the gradient by ${name}`);
    if (!still) moved += differences.filter((d) => Math.abs(d) > 1e-6).length;
  }
  if (record.still !== true && m.differentiable.length > 0) expect(moved, "differences that are not 0").toBeGreaterThan(0);
}

/** The second derivative along a direction, by each input, against central differences of the gradient. */
function checkCurvature(record: ShelfRecord, m: OpenedRecord): void {
  const given = { ...byName(record.inputs), ...record.stored };
  const direction = (k: number): number => Math.cos(1 + 2 * k);
  for (const name of m.differentiable) {
    const start = given[name] as Nested;
    const moved = (by: number): ArrayLike<number> => m.at({ [name]: reshape(start, flatten(start).map((x, k) => x + by * direction(k))) }, weights).gradients[name]?.data ?? [];
    const [above, below] = [moved(epsilon), moved(-epsilon)];
    expectNear(m.curvature(name, weights, direction).data, Array.from(above, (a, k) => (a - (below[k] as number)) / (2 * epsilon)), 1e-6, `the second derivative by ${name}`);
  }
}

function checkPoint(record: ShelfRecord, m: OpenedRecord, point: NonNullable<ShelfRecord["points"]>[number]): void {
  // The simplified graph is the meaning: as built, what is far from 0 may overflow.
  const { simplified, gradients, given } = m.at(point.at);
  const within = record.within ?? 1e-9;
  const wanted = point.value ?? record.value(given);
  expectResults(record, simplified, wanted, within, `${point.what}: the value`);
  for (const [name, value] of Object.entries(point.gradient ?? {})) {
    // A gradient of -0 is one of 0.
    expectNear(Array.from(gradients[name]?.data ?? [], (v) => v + 0), flatten(value), 1e-12, `${point.what}: the gradient by ${name}`);
  }
}

/** Numbers in the rows of another array. */
function reshape(like: Nested, numbers: readonly number[]): Nested {
  const build = (shape: readonly number[], from: number): Nested => {
    const [first, ...rest] = shape;
    if (first === undefined) return numbers[from] as number;
    const width = rest.reduce((n, d) => n * d, 1);
    return Array.from({ length: first }, (_, k) => build(rest, from + k * width));
  };
  return build(shapeOf(like), 0);
}
