/** Nests that are equal but for their buffers: one nest over an arena, with the same results; what may not be joined is left alone. */
import { describe, expect, it } from "vitest";
import { profiles } from "../../kernels/profiles.ts";
import { compile, type CompiledProgram } from "../../src/compile.ts";
import { schedule } from "../../src/schedule/schedule.ts";
import { expectAgreement } from "./agree.ts";
import { storedLayout } from "./stored-layout.ts";

const model = (optimizer: string): string => `
model M {
  input x: f32[N, 5]
  target y: f32[N, 3]
  h = tanh(dense(x, 7))
  g = tanh(dense(h, 7))
  z = dense(g, 3)
  loss = mse(z, y)
}
train M {
  batch = 4
  steps = 2
  optimizer = ${optimizer}
}
`;

function programOf(text: string, off: readonly string[] = []): CompiledProgram {
  const { programs, diagnostics } = compile({ path: "m.dl", text }, { off: new Set(off) });
  expect(diagnostics.map((d) => d.message)).toEqual([]);
  return programs[0] as CompiledProgram;
}

/** The nests of a step that write parameters. */
const updates = (program: CompiledProgram): readonly string[] =>
  program.lower("step", { capacity: { N: 4 }, profile: profiles.software }).schedule.nests
    .filter((n) => n.body.some((s) => s.kind === "store" && s.buffer.place === "param"))
    .map((n) => n.name);

const target = { capacity: { N: 4 }, profile: profiles.software };

describe("updates over an arena", () => {
  // adamw lets weights decay and biases not: two formulas.
  for (const [optimizer, nests] of [["sgd(lr = 0.1)", 1], ["momentum(lr = 0.1, α = 0.9)", 1], ["adam(lr = 0.01)", 1], ["adamw(lr = 0.01)", 2]] as const)
    it(`${optimizer}: one nest for all parameters of one formula, with the values of the graph`, () => {
      expect(updates(programOf(model(optimizer), ["arena"]))).toHaveLength(6);
      expect(updates(programOf(model(optimizer)))).toHaveLength(nests);
      expectAgreement(programOf(model(optimizer)).graph("step"), { sizes: { N: 4 }, tolerance: 1e-8 });
    });

  it("parameters lie one after the other, and their gradients as they do", () => {
    const { schedule, memory } = programOf(model("adam(lr = 0.01)")).lower("step", target);
    const arenas = schedule.buffers.filter((b) => b.parts);
    expect(arenas.map((a) => a.place).sort()).toEqual(["param", "state", "state", "temp"]);
    for (const arena of arenas) {
      expect(arena.parts?.map((p) => p.at)).toEqual(arenas[0]?.parts?.map((p) => p.at));
      for (const { buffer, at } of arena.parts ?? []) expect(memory.offsets.get(buffer)).toBe((memory.offsets.get(arena) ?? 0) + 4 * at);
    }
  });

  it("no arena is larger than a binding may be", () => {
    const graph = programOf(model("sgd(lr = 0.1)")).graph("step");
    const { stored } = storedLayout(graph);
    const arenas = schedule(graph, { ...target, stored: { ...stored, most: 128 } }).buffers.filter((b) => b.parts);
    expect(arenas.length).toBeGreaterThan(1);
    expect(Math.max(...arenas.map((a) => a.elements))).toBeLessThanOrEqual(128);
  });

  it("names, shapes and order of what is saved stay as they were", () => {
    const stored = (off: readonly string[]): readonly string[] => programOf(model("adam(lr = 0.01)"), off).info.store.tensors.map((t) => `${t.name} ${t.shape.join()}`);
    expect(stored([])).toEqual(stored(["arena"]));
    expect(stored([])[1]).toBe("M.h.b 7");
  });
});
