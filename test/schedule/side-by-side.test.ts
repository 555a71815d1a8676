/** Concatenations whose parts are written where they lie: the values of the graph, no nest that copies, and those that cannot lie so are copied. */
import { describe, expect, it } from "vitest";
import { profiles } from "../../kernels/profiles.ts";
import { compile, type CompiledProgram } from "../../src/compile.ts";
import type { Schedule } from "../../src/ir/kernel.ts";
import { loads } from "../../src/schedule/order.ts";
import { expectAgreement } from "./agree.ts";

function programOf(text: string, off: readonly string[] = []): CompiledProgram {
  const { programs, diagnostics } = compile({ path: "m.dl", text }, { off: new Set(off) });
  expect(diagnostics.filter((d) => d.severity === "error").map((d) => d.message)).toEqual([]);
  return programs[0] as CompiledProgram;
}

function scheduleOf(text: string, entry: "step" | "predict", off: readonly string[] = [], N = 4): Schedule {
  return programOf(text, off).lower(entry, { capacity: { N }, profile: profiles.software }).schedule;
}

const copies = (s: Schedule): number => s.nests.filter((n) => n.name.includes("concat")).length;
const laid = (s: Schedule): readonly string[] => s.buffers.filter((b) => b.parts && b.place === "temp" && b.name.startsWith("concat")).map((b) => `${b.place} ${b.parts?.map((p) => p.at).join()}`);

/** A recurrent layer whose states, one after the other, are what a product reads. */
const recurrent = (units: number): string => `
model M {
  input x: f32[N, 4, 3]
  target y: f32[N, 4, 2]
  h = rnn(x, ${units})
  z = dense(h, 2)
  loss = mse(z, y)
}
train M {
  batch = 4
  steps = 1
  optimizer = sgd(lr = 0.1)
}
`;

describe("concatenations by layout", () => {
  it("the states of a recurrent layer are written where a product reads them all", () => {
    // 4 examples of 16 units are as long as what aligns them, of 5 units there are gaps.
    expect(laid(scheduleOf(recurrent(16), "step"))).toContain("temp 0,64,128,192");
    expect(laid(scheduleOf(recurrent(5), "step"))).toContain("temp 0,64,128,192");
    expect(laid(scheduleOf(recurrent(17), "step"))).toContain("temp 0,128,256,384");
    expect(copies(scheduleOf(recurrent(5), "step"))).toBe(0);
    expect(copies(scheduleOf(recurrent(5), "step", ["concat"]))).toBeGreaterThan(0);
  });

  for (const units of [1, 5, 16])
    it(`computes what the graph says, ${units} units, fewer examples than planned for`, () => {
      const graph = programOf(recurrent(units)).graph("step");
      for (const device of ["software", "gpu"] as const)
        for (const off of [[], ["concat"], ["arena"], ["offsets"], ["fuse-producer"], ["fuse-epilogue", "fuse-row", "multi-output"]])
          expectAgreement(graph, { sizes: { N: 3 }, capacity: { N: 4 }, device, off: new Set(off), tolerance: 1e-8 });
    });

  const agrees = (text: string): void => {
    for (const off of [[], ["concat"]]) expectAgreement(programOf(text).graph("predict"), { sizes: { N: 3 }, capacity: { N: 4 }, off: new Set(off), tolerance: 1e-8 });
  };

  it("two products, one after the other on an axis of known length", () => {
    const text = `
model M {
  input x: f32[N, 16]
  param A: f32[8, 16] ~ normal(0, 1)
  param B: f32[8, 16] ~ normal(0, 1)
  param W: f32[16, 4] ~ normal(0, 1)
  output z = x @ transpose(concat(tanh(A @ transpose(A)) @ A, tanh(B @ transpose(B)) @ B, axis = 0))
}
`;
    expect(laid(scheduleOf(text, "predict"))).toEqual(["temp 0,128"]);
    agrees(text);
  });

  it("parts along a length that data decides are copied", () => {
    const text = `
model M {
  input x: f32[N, 16]
  param A: f32[16, 16] ~ normal(0, 1)
  param B: f32[16, 16] ~ normal(0, 1)
  output z = sum(concat(x @ A, x @ B, axis = 0) @ A) * x
}
`;
    expect(laid(scheduleOf(text, "predict"))).toEqual([]);
    agrees(text);
  });

  it("what is twice in a concatenation, or in two of them, is copied", () => {
    const twice = (what: string): string => `
model M {
  input x: f32[N, 16]
  param A: f32[8, 16] ~ normal(0, 1)
  param B: f32[8, 16] ~ normal(0, 1)
  a = A @ transpose(A)
  b = B @ transpose(B)
  output z = ${what}
}
`;
    const same = twice("sum(concat(a, a, axis = 0) @ A) * x");
    expect(laid(scheduleOf(same, "predict"))).toEqual([]);
    agrees(same);
    const two = twice("(sum(concat(a, b, axis = 0) @ A) + sum(concat(b, a, axis = 0) @ B)) * x");
    expect(laid(scheduleOf(two, "predict"))).toHaveLength(1);
    agrees(two);
  });

  it("a nest that reads a concatenation and a part of it reads both through one buffer", () => {
    const text = `
model M {
  input x: f32[N, 8]
  param A: f32[8, 16] ~ normal(0, 1)
  param B: f32[8, 16] ~ normal(0, 1)
  a = A @ transpose(A)
  b = B @ transpose(B)
  c = concat(a, b, axis = 0)
  output z = x @ (a @ transpose(c)) + x @ transpose(c) @ c @ b @ transpose(c)
}
`;
    agrees(text);
    const made = scheduleOf(text, "predict");
    const arenas = made.buffers.filter((b) => b.parts);
    expect(arenas).toHaveLength(1);
    for (const nest of made.nests) {
      const read = new Set(loads(nest).map((l) => l.buffer));
      for (const arena of arenas) if (read.has(arena)) expect(arena.parts?.some((p) => read.has(p.buffer))).toBe(false);
    }
  });
});
