/** Losses, activations and penalties on the device in f32, at every point that their records state: where pieces meet, and far from 0. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compile } from "../../../src/compile.ts";
import { openDevice, type OpenDevice } from "../../../src/harness/node/index.ts";
import { type Feed, openSession } from "../../../src/session.ts";
import { activations } from "./activations.ts";
import { asFunctions } from "./as-functions.ts";
import { expectNear } from "./kit.ts";
import { losses } from "./losses.ts";
import { penalties } from "./penalties.ts";
import { byName, openRecord } from "./open-record.ts";
import { flatten, type Nested, type Point, type ShelfRecord } from "./record.ts";
import { wanted } from "./wanted.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => gpu.close());

interface Case {
  readonly record: ShelfRecord;
  readonly point: Point;
  readonly given: Readonly<Record<string, Nested>>;
}

const owning = (record: ShelfRecord): boolean => record.stored !== undefined;
const cases = [...losses, ...activations, ...penalties].filter((r) => !owning(r)).flatMap((record) => (record.points ?? []).map((point): Case => ({ record, point, given: { ...byName(record.inputs), ...point.at } })));
const atOnce = 12;

async function run(some: readonly Case[]): Promise<Readonly<Record<string, ArrayLike<number>>>> {
  const text = asFunctions(some.map(({ record, point, given }) => ({ record, given, by: Object.keys(point.gradient ?? {}) })), "M");
  const { diagnostics, programs } = compile({ path: "losses.dl", text });
  const [program] = programs;
  if (!program) throw new Error(diagnostics.map((d) => `${d.code} ${d.message}`).join("\n"));
  const session = await openSession(program, { device: gpu.device, software: true });
  const feed: Feed = Object.fromEntries(some.flatMap(({ given }, k) => Object.entries(given).map(([name, x]) => [`c${k}_${name}`, flatten(x)])));
  const outputs = await session.predict(feed);
  return Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, data]));
}

describe("on the device", () => {
  it.each(Array.from({ length: Math.ceil(cases.length / atOnce) }, (_, k) => k))("twelve cases from %i times twelve", async (from) => {
    const some = cases.slice(from * atOnce, (from + 1) * atOnce);
    const found = await run(some);
    for (const [k, { record, point }] of some.entries()) {
      const what = `${record.call}, ${point.what}`;
      const value = (point.value ?? record.value(openRecord(record).at(point.at).given)) as Nested;
      expectNear(found[`out${k}`] ?? [], flatten(value), 1e-6, `${what}: the value`);
      for (const [name, gradient] of Object.entries(point.gradient ?? {})) expectNear(Array.from(found[`g${k}_${name}`] ?? [], (v) => v + 0), flatten(gradient), 1e-6, `${what}: the gradient by ${name}`);
    }
  }, 60_000);

  it("every loss is among them with inputs of 10,000", () => {
    const far = new Set(cases.filter(({ given }) => Object.values(given).flatMap(flatten).some((x) => Math.abs(x) >= 1e4)).map((c) => c.record.name));
    expect((wanted["losses"] ?? []).filter((name) => !far.has(name))).toEqual([]);
  });
});
