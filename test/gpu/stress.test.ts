/**
 * Random training-like graphs through schedule, bind, plan and emit on the device, against the f64 evaluator; with every
 * optimisation and with each left out, on both profiles, below and at capacity.
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, it } from "vitest";
import { profiles } from "../../kernels/profiles.ts";
import { evaluate } from "../../src/graph/eval-graph.ts";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import type { Values } from "../../src/harness/runtime/engine.ts";
import type { Graph } from "../../src/ir/node.ts";
import type { Profile } from "../../src/ir/kernel.ts";
import type { Tensor64 } from "../../src/ops/op.ts";
import { printSchedule } from "../../src/schedule/print-schedule.ts";
import { schedule, scheduleSwitches } from "../../src/schedule/schedule.ts";
import { leafValues } from "../schedule/agree.ts";
import { batchedGraph, batchedRecipes } from "../schedule/batched-graph.ts";
import { graphOf, recipes } from "../graphs/random-graph.ts";
import { runSchedule } from "./run-nests.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

const switches = [...scheduleSwitches, "tile", "horizontal"];
const words = { seed: 5, step: 3, example: 10 };
const scalars = { hyper: { lr: 0.05 }, step: { t: 3, epoch: 1 } };

interface Case {
  readonly profile: Profile;
  readonly off: ReadonlySet<string>;
  readonly sizes: Readonly<Record<string, number>>;
  readonly capacity: Readonly<Record<string, number>>;
}

async function expectAgreement(graph: Graph, { profile, off, sizes, capacity }: Case): Promise<void> {
  const leaves = leafValues(graph, sizes, 0);
  const nothing: Tensor64 = { shape: [], data: Float64Array.of(Number.NaN) };
  const truth = evaluate(graph, {
    sizes, ...words,
    input: (name) => leaves[name] ?? nothing,
    stored: (path) => leaves[path] ?? nothing,
    scalar: (kind, path) => (scalars[kind] as Record<string, number>)[path] ?? Number.NaN,
  });
  const made = schedule(graph, { capacity, profile, off });
  const given = Object.fromEntries(Object.entries(leaves).map(([path, t]): [string, Values] => [path, t.data]));
  const found = await runSchedule(gpu.device, { schedule: made, inputs: given, live: sizes, capacity, profile, off, scalars, words });
  const context = (): string => `${profile.name}, off {${[...off].join(", ")}}, sizes ${JSON.stringify(sizes)} of ${JSON.stringify(capacity)}\n${printSchedule(made)}`;
  for (const [name, tensor] of [...truth.outputs, ...truth.commits]) expectClose(found[name] ?? given[name], tensor, `${name}: ${context()}`);
}

function expectClose(found: Values | undefined, truth: Tensor64, context: string): void {
  const scale = truth.data.reduce((m, v) => Math.max(m, Math.abs(v)), 1);
  const ok = found !== undefined && found.length === truth.data.length && truth.data.every((v, i) => Math.abs(Number(found[i]) - v) <= 1e-3 * scale);
  if (!ok) throw new Error(`expected ${[...truth.data.slice(0, 12)].join(" ")}\nfound    ${[...(found?.slice(0, 12) ?? [])].join(" ")}\n${context}`);
}

const some = fc.subarray(switches);

describe("graphs on the device", () => {
  it.each([profiles.software, profiles.gpu])("compute what they mean, on batches below capacity ($name)", async (profile) => {
    await fc.assert(
      fc.asyncProperty(batchedRecipes(6), some, fc.integer({ min: 1, max: 9 }), async (recipe, off, live) => {
        await expectAgreement(batchedGraph(recipe), { profile, off: new Set(off), sizes: { N: live }, capacity: { N: 9 } });
      }),
      { numRuns: 120, seed: 991 },
    );
  });

  it("compute what they mean, of any op", async () => {
    await fc.assert(
      fc.asyncProperty(recipes(6), some, async (recipe, off) => {
        await expectAgreement(graphOf(recipe), { profile: profiles.software, off: new Set(off), sizes: {}, capacity: {} });
      }),
      { numRuns: 120, seed: 991 },
    );
  });
});
