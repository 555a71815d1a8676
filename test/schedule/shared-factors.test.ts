/** Products of one tensor with several parameters as one product: the values of the graph, where it is done and where not, and why. */
import { describe, expect, it } from "vitest";
import { profiles } from "../../kernels/profiles.ts";
import { compile, type CompiledProgram } from "../../src/compile.ts";
import { expectAgreement } from "./agree.ts";

function programOf(text: string, off: readonly string[] = []): CompiledProgram {
  const { programs, diagnostics } = compile({ path: "m.dl", text }, { off: new Set(off) });
  expect(diagnostics.filter((d) => d.severity === "error").map((d) => d.message)).toEqual([]);
  return programs[0] as CompiledProgram;
}

const model = (body: string, train = ""): string => `
model M {
  input x: f32[N, 5]
  target y: f32[N, 8]
  n = tanh(x)
  param A: f32[5, 8] ~ normal(0, 1)
  param B: f32[5, 8] ~ normal(0, 1)
  param C: f32[5, 8] ~ normal(0, 1)
  param D: f32[5, 4] ~ normal(0, 1)
  param a: f32[8] ~ normal(0, 1) as bias
  param b: f32[8] ~ normal(0, 1) as bias
  param c: f32[8] ~ normal(0, 1) as bias
  ${body}
  loss = mse(z, y) + 0.01 * (sum(A) + sum(B) + sum(C) + sum(D) + sum(a) + sum(b) + sum(c))
}
train M {
  batch = 4
  steps = 1
  optimizer = adam(lr = 0.01)
  ${train}
}
`;

/** The parameters that products read together, by where they begin, and what is said of the others. */
function lie(text: string, entry: "step" | "predict" | "evaluate" = "step"): { readonly together: readonly string[]; readonly alone: readonly string[] } {
  const { buffers, nests } = programOf(text).lower(entry, { capacity: { N: 4 }, profile: profiles.software }).schedule;
  return {
    together: buffers.filter((b) => b.parts && b.place === "param" && b.name.startsWith("concat")).map((b) => b.parts?.map((p) => p.buffer.name.slice(2)).join(" ") ?? "").sort(),
    alone: nests.flatMap((n) => n.why).flatMap((w) => /; alone, (.*)/.exec(w)?.[1] ?? []),
  };
}

function agrees(text: string): void {
  for (const device of ["software", "gpu"] as const)
    for (const off of [[], ["arena"], ["fuse-epilogue"]]) expectAgreement(programOf(text).graph("step"), { sizes: { N: 3 }, capacity: { N: 4 }, device, off: new Set(off), tolerance: 1e-8 });
}

describe("products of one tensor", () => {
  it("are one where their parameters have one shape", () => {
    const text = model("q = n @ A\n  k = n @ B\n  v = n @ C\n  z = sin(q) @ transpose(cos(k)) @ tanh(v)");
    expect(lie(text).together).toEqual(["A B C"]);
    agrees(text);
  });

  it("take along what follows each of them alike: biases, constants, activations", () => {
    const text = model("q = tanh(0.5 * (n @ A + a))\n  k = tanh(0.5 * (n @ B + b))\n  v = tanh(0.5 * (n @ C + c))\n  z = sin(q) @ transpose(cos(k)) @ tanh(v)");
    expect(lie(text).together).toEqual(["A B C", "a b c"]);
    agrees(text);
    // Another activation of one of them: what they have in common goes along.
    const other = model("q = tanh(n @ A + a)\n  k = tanh(n @ B + b)\n  v = sin(n @ C + c)\n  z = sin(q) @ transpose(cos(k)) @ tanh(v)");
    expect(lie(other).together).toEqual(["A B C", "a b c"]);
    agrees(other);
    // One bias for all, and one that is missing: no parameters side by side.
    for (const z of ["q = n @ A + a\n  k = n @ B + a\n  v = n @ C", "q = n @ A + b\n  k = n @ B + a\n  v = n @ C + c"]) {
      const odd = model(`${z}\n  z = sin(q) @ transpose(cos(k)) @ tanh(v)`);
      expect(lie(odd).together).toEqual(["A B C"]);
      agrees(odd);
    }
  });

  it("some of them where another has another shape, which says why", () => {
    const text = model("q = n @ A\n  k = n @ B\n  v = n @ D\n  z = sin(q) @ transpose(cos(k)) @ concat(tanh(v), tanh(v), axis = 1)");
    expect(lie(text).together).toEqual(["A B"]);
    expect(lie(text).alone).toEqual(["beside 2 more of the same tensor: parameters of shapes [5, 4] and [5, 8]"]);
    agrees(text);
  });

  it("of a parameter that lies in another group already stay alone", () => {
    const text = model("q = n @ A\n  k = n @ B\n  m = sin(x)\n  r = m @ B\n  s = m @ C\n  z = sin(q) @ transpose(cos(k)) @ tanh(r) + sin(s) @ transpose(cos(r)) @ tanh(k)");
    expect(lie(text).together).toHaveLength(1);
    expect(lie(text).alone.length).toBeGreaterThan(0);
    agrees(text);
  });

  it("of a parameter that two products share, and of frozen ones, are one too", () => {
    const shared = model("q = n @ A\n  k = n @ B\n  z = sin(q) @ transpose(cos(k)) @ tanh(sin(x) @ A)");
    expect(lie(shared).together).toEqual(["A B"]);
    agrees(shared);
    const frozen = model("q = n @ A\n  k = n @ B\n  v = n @ C\n  z = sin(q) @ transpose(cos(k)) @ tanh(v)", "freeze = B");
    expect(lie(frozen).together).toEqual(["A B C"]);
    agrees(frozen);
    expect(lie(frozen, "evaluate").together).toEqual(["A B C"]);
  });

  it("stay alone where that would store much that is now used as it is made", () => {
    const wide = model("q = n @ A\n  k = n @ B\n  z = q * sigmoid(k)").replaceAll("8]", "800]").replaceAll("[N, 5]", "[N, 50]").replaceAll("[5, ", "[50, ");
    const { together, alone } = lie(wide.replace("batch = 4", "batch = 4").replaceAll("800]", "8000]"));
    expect(together).toEqual([]);
    expect(alone).toHaveLength(2);
    expect(alone[0]).toContain("results would be stored for it");
  });
});
