/**
 * Parameters that are alike: an optimizer's body is checked for the first of them and its updates are built once. Compared with the updates that
 * a parameter gets where it is the first itself, since those before it are frozen, and with the graph built from updates that know of no likeness.
 */
import { describe, expect, test } from "vitest";
import type { CheckedOptimizer, CheckedProgram, ParamUpdates } from "../../src/check/checked.ts";
import { stepsOf } from "../../src/check/train-facts.ts";
import { build, entriesOf } from "../../src/graph/build.ts";
import { printGraph } from "../../src/graph/print-graph.ts";
import { topological } from "../../src/graph/topological.ts";
import { rootsOf } from "../../src/graph/walk.ts";
import { checkText, errorsOf } from "./check-text.ts";

const own = `
optimizer mixed(lr = 0.1) {
  state v ~ zeros
  state n: f32 ~ zeros
  shrink = cases {
    0.1 * θ  if is_weight
    0        otherwise
  }
  scaled = g / (1 + sqrt(sum(g^2)))
  n <- n + mean(abs(scaled))
  v <- 0.9 * v + scaled * n
  θ <- θ - lr * (v + shrink) + 0 * t
  output θ = θ - v
}
optimizer shaken(lr = 0.1) {
  θ <- θ - lr * (g + 0.01 * normal(0, 1)[1])
}
optimizer bent(lr = 0.1) {
  θ <- θ - lr * grad(sum(θ^4), θ) - lr * g
}
optimizer followed(lr = 0.1) {
  state a ~ θ
  a <- 0.5 * (a + θ)
  θ <- θ - lr * g
}
`;
const model = `
model M {
  input x: f32[N, 3]
  h = x
  for k in 0..4 { h = tanh(dense(h, 3)) }
  z = dense(h, 2)
  loss = mean((z - 1)^2)
}
`;
const text = (optimizer: string, more = ""): string => `${own}${model}train M { steps = 1, optimizer = ${optimizer} ${more} }`;

function programOf(source: string): CheckedProgram {
  const { program, diagnostics } = checkText(source);
  expect(diagnostics.list.filter((d) => d.severity === "error").map((d) => d.message)).toEqual([]);
  if (!program) throw new Error("no program");
  return program;
}

const updatesOf = (program: CheckedProgram): readonly ParamUpdates[] => program.trains.flatMap((t) => stepsOf(t).flatMap((s) => s.optimizer.perParam));

/** Everything but the likeness, as text; of places the positions. */
function textOf({ like: _, ...rest }: ParamUpdates): string {
  return JSON.stringify(rest, (key, value: unknown) => (key === "source" ? undefined : value));
}

/** The program whose updates know of no likeness. */
function unlike(program: CheckedProgram): CheckedProgram {
  const apart = (o: CheckedOptimizer): CheckedOptimizer => ({ ...o, perParam: o.perParam.map(({ like: _, ...rest }) => rest) });
  const trains = program.trains.map((t) => ({ ...t, phases: t.phases.map((p) => ({ ...p, runs: p.runs.map((r) => ({ ...r, optimizer: apart(r.optimizer) })) })) }));
  return { ...program, trains };
}

/** Each entry with the ids of its nodes and where they come from. */
function graphsOf(program: CheckedProgram): string[] {
  return entriesOf(program).map((request) => {
    const graph = build(program, request);
    const nodes = topological(rootsOf(graph)).map((n) => [n.id, graph.origins.get(n)]);
    return `${printGraph(graph)}${JSON.stringify(nodes, (key, value: unknown) => (key === "source" ? undefined : value))}`;
  });
}

const library = ["sgd(0.1)", "polyak", "momentum", "nesterov(lr_outside = true)", "adagrad", "rmsprop", "adam(lr = 0.01)", "adamw(decay = 0.1)"];

describe("parameters of one declaration, type and role", () => {
  test.each([...library, "mixed", "followed"])("share what %s says of the first", (optimizer) => {
    const all = updatesOf(programOf(text(optimizer)));
    expect(all.map((u) => u.like?.of.param)).toEqual([undefined, undefined, "M.h.0.W", "M.h.0.b", "M.h.0.W", "M.h.0.b", "M.h.0.W", "M.h.0.b", undefined, undefined]);
    // With the first layers frozen the third is the first.
    const alone = updatesOf(programOf(text(optimizer, ', freeze = ["h.0", "h.1"]')));
    expect(alone.map((u) => u.param)).toEqual(all.slice(4).map((u) => u.param));
    expect(alone.map(textOf)).toEqual(all.slice(4).map(textOf));
  });

  test.each(["shaken", "bent", "bfgs"])("are looked at one by one where %s gives each a thing of its own", (optimizer) => {
    expect(updatesOf(programOf(text(optimizer))).every((u) => u.like === undefined)).toBe(true);
  });

  test.each([
    ...[...library, "mixed", "followed", "shaken", "bent"].map((o) => [o, ""] as const),
    ["adam", ", clip = norm(1)"], ["adam", ", clip = value(0.5)"], ["sgd(0.1)", ", clip = norm(1)"], ["adam", ", constrain = max_norm(θ, 3)"], ["mixed", ", constrain = clip(θ, -1, 1) { over = [h, z] }"],
  ] as const)("are built as without it: %s%s", (optimizer, more) => {
    const program = programOf(text(optimizer, more));
    expect(graphsOf(program)).toEqual(graphsOf(unlike(program)));
  });

  test("a rate that reads something else is no one's own", () => {
    const program = programOf(`${own}${model}schedule fall(a) = a / t\ntrain M { steps = 1, optimizer = adam(lr = fall(0.1)) }`);
    expect(updatesOf(program).some((u) => u.like)).toBe(true);
    expect(graphsOf(program)).toEqual(graphsOf(unlike(program)));
  });

  test("errors are those of the first", () => {
    const bad = "optimizer wrong() { θ <- sum(g, axis = 0) }\n";
    expect(errorsOf(`${bad}${model}train M { steps = 1, optimizer = wrong }`)).toEqual(["E0202 `θ` is f32[3, 3] and its new value has the shape [3]"]);
  });
});
