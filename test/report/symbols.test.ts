/** A page calls values by the names that the program gives them. */
import temml from "temml";
import { describe, expect, it } from "vitest";
import { describeNodes } from "../../src/report/describe-nodes.ts";
import { examplePrograms, programOf } from "../session/kit.ts";

describe("the symbols of a page", () => {
  it("are the names of parameters and bindings; what has no name is counted", () => {
    const graph = programOf(`model M {
      input x: f32[N, 3]
      param W: f32[3, 2] ~ ones
      h = x @ W
      score = tanh(h) + 2 * h
      output p = softmax(score)
    }`).graph("predict");
    const views = describeNodes(graph, [], [], new Map());
    const formulas = views.map((v) => v.latex);
    expect(formulas.slice(0, 2)).toEqual(["x", "W"]);
    expect(formulas.some((f) => f.startsWith("h = ") && f.includes("{x}") && f.includes("{W}"))).toBe(true);
    expect(formulas.some((f) => f.startsWith("\\mathrm{score} = "))).toBe(true);
    expect(formulas.some((f) => f.includes("\\tanh") && f.includes("{h}"))).toBe(true);
    expect(new Set(views.map((v) => v.symbol)).size).toBe(views.length);
  });

  // Views of views, contractions of views: a subscript may follow another.
  it.each(["conv", "edges", "lenet", "attention", "pinn", "lstm", "hinge"])("are formulas that can be set: %s", (name) => {
    for (const program of examplePrograms(name))
      for (const entry of program.entries)
        for (const { latex } of describeNodes(program.graph(entry), [], [], new Map())) expect(temml.renderToString(latex, { throwOnError: true })).toContain("<math");
  });
});
