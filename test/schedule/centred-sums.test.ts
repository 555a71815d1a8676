/** Sums without what sums to 0: the values of the graph, fewer accesses in the gradient of a layer norm, and sums that only look like one. */
import { describe, expect, it } from "vitest";
import { compile, type CompiledProgram } from "../../src/compile.ts";
import { Builder } from "../../src/graph/builder.ts";
import { rootsOf, topological } from "../../src/graph/walk.ts";
import type { Emit } from "../../src/ir/emit.ts";
import type { Node } from "../../src/ir/node.ts";
import * as dims from "../../src/ir/dims.ts";
import { prepare } from "../../src/schedule/prepare.ts";
import { withoutCentred } from "../../src/schedule/centred-sums.ts";
import { expectAgreement } from "./agree.ts";

const program = (width: number, layer: string): CompiledProgram => {
  const text = `
model M {
  input x: f32[N, ${width}]
  target y: f32[N, 3]
  h = dense(x, ${width})
  z = dense(${layer}, 3)
  loss = mse(z, y)
}
train M {
  batch = 4
  steps = 1
  optimizer = sgd(lr = 0.1)
}
`;
  const { programs, diagnostics } = compile({ path: "m.dl", text });
  expect(diagnostics.filter((d) => d.severity === "error").map((d) => d.message)).toEqual([]);
  return programs[0] as CompiledProgram;
};

/** How many sums a step has of sums of two terms. */
function sumsOfTerms(centred: boolean): number {
  const { graph } = prepare(program(16, "layer_norm(h)").graph("step"), { N: 4 }, { centred });
  return topological(rootsOf(graph)).filter((n) => n.op === "reduce" && n.attrs.kind === "sum" && n.inputs[0]?.op === "add").length;
}

describe("the gradient of a layer norm", () => {
  it.each([1, 2, 3, 7, 17])("is what the graph says for rows of %i", (width) => {
    for (const layer of ["layer_norm(h)", "h + layer_norm(x * h)"].slice(0, width === 3 ? 2 : 1)) {
      const graph = program(width, layer).graph("step");
      for (const device of ["software", "gpu"] as const) expectAgreement(graph, { sizes: { N: 3 }, capacity: { N: 4 }, device, tolerance: 1e-7 });
    }
  });

  it("sums what it has stored, not what is centred too", () => {
    expect(sumsOfTerms(true)).toBe(sumsOfTerms(false) - 1);
  });
});

describe("a sum", () => {
  const e = new Builder();
  const N = dims.sym("N");
  const leaf = (path: string, shape: readonly dims.Dim[]): Node => e.leaf({ kind: "input", path, type: { dtype: "f32", shape } });
  const [x, g] = [leaf("x", [N, 6]), leaf("g", [N, 6])];
  const along = (row: Node): Node => e.broadcast(row, [N, 6], [0]);
  const rest = (of: Emit, sum: Node): Node | undefined => withoutCentred(of, sum, sum.inputs);
  const mean = (divisor: number): Node => e.mul(e.reduce("sum", x, [1]), e.const({ dtype: "f32", shape: [N] }, 1 / divisor));
  const centred = e.sub(x, along(mean(6)));
  const a = leaf("a", [N]);

  it("is that of the other term, whatever the number that the centred row is multiplied by", () => {
    for (const term of [centred, e.neg(centred), e.mul(centred, along(a)), e.div(e.mul(along(a), centred), along(e.exp(a)))]) {
      expect(rest(e, e.reduce("sum", e.add(term, g), [1]))).toBe(e.reduce("sum", g, [1]));
      expect(rest(e, e.reduce("sum", e.add(g, term), [0, 1]))).toBe(e.reduce("sum", g, [0, 1]));
    }
    const whole = e.div(e.reduce("sum", x, [0, 1]), e.cast(e.size(dims.mul(N, 6)), "f32"));
    expect(rest(e, e.reduce("sum", e.add(g, e.sub(x, e.broadcast(whole, [N, 6], []))), [0, 1]))).toBe(e.reduce("sum", g, [0, 1]));
  });

  it("stays where the mean is another, of other numbers, along other axes, or the factor varies", () => {
    const terms = [
      e.sub(x, along(mean(5))), e.add(x, along(mean(6))), e.sub(g, along(mean(6))), e.mul(centred, g), e.mul(centred, centred),
      e.sub(x, e.broadcast(e.mul(e.reduce("sum", x, [0]), e.const({ dtype: "f32", shape: [6] }, 1 / 6)), [N, 6], [1])),
      e.select(e.compare(">", x, g), centred, e.like(centred, 0)),
    ];
    for (const term of terms) expect(rest(e, e.reduce("sum", e.add(g, term), [1]))).toBeUndefined();
    expect(rest(e, e.reduce("sum", e.add(g, centred), [0]))).toBeUndefined();
    expect(rest(e, e.reduce("max", e.add(g, centred), [1]))).toBeUndefined();
    expect(rest(e, e.reduce("sum", e.add(g, centred), [1], e.compare(">", x, g)))).toBeUndefined();
  });
});
