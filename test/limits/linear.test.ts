/** Compiling is linear in the depth of a program, and equal layers are one text: it takes their pipelines once. */
import { expect, test } from "vitest";
import { profiles } from "../../kernels/profiles.ts";
import { compile } from "../../src/compile.ts";
import { deepGpt, deepMlp } from "../bench/deep-models.ts";

/** Dispatches, distinct texts and the processor's time of a step, from its source. */
function compiled(text: string, N: number): { readonly dispatches: number; readonly texts: number; readonly cpu: number } {
  const before = process.cpuUsage();
  const { diagnostics, programs: [program] } = compile({ path: "deep.dl", text });
  if (!program) throw new Error(diagnostics.map((d) => d.message).join("\n"));
  const { plan, texts } = program.lower("step", { capacity: { N }, profile: profiles.software, limits: { storageBuffers: 8, bindingBytes: 2 ** 31, bufferBytes: 2 ** 34 } });
  const { user, system } = process.cpuUsage(before);
  return { dispatches: plan.block.length, texts: texts.length, cpu: user + system };
}

test.each([["dense layers", deepMlp, 20, 32], ["transformer blocks", deepGpt, 2, 2]] as const)("%s", { timeout: 120_000 }, (_, program, layers, batch) => {
  const [once, twice, fourfold] = [1, 2, 4].map((times) => compiled(program(layers * times), batch)) as [ReturnType<typeof compiled>, ReturnType<typeof compiled>, ReturnType<typeof compiled>];
  const perLayer = twice.dispatches - once.dispatches;
  expect(fourfold.dispatches - twice.dispatches).toBeLessThanOrEqual(2 * perLayer + 4);
  // The first and the last layers have neighbours of their own; what lies between is alike.
  expect(fourfold.texts).toBeLessThanOrEqual(twice.texts + 4);
  expect(fourfold.cpu).toBeLessThan(8 * once.cpu);
});
