/** Train blocks: which parameters a step trains, what is warned of, which names are legal. */
import { describe, expect, test } from "vitest";
import { stepsOf } from "../../src/check/train-facts.ts";
import { checkText, errorsOf } from "./check-text.ts";

const model = `
  model Net {
    input x: f32[N, 3]
    trunk = tanh(dense(x, 4))
    tower = trunk
    for k in 0..2 { tower = tanh(dense(tower, 4)) }
    head = dense(tower, 2)
    loss near = mean(head^2)
    loss far = mean((head - 1)^2)
    loss plain = mean(trunk^2)
  }`;

/** The parameters of each step, without the model's name. */
function trained(steps: string): Record<string, readonly string[]> {
  const { program, diagnostics } = checkText(`${model}\ntrain Net { epochs = 1, optimizer = sgd(0.1)\n${steps} }`);
  expect(diagnostics.list.filter((d) => d.severity === "error").map((d) => d.message)).toEqual([]);
  const [train] = program?.trains ?? [];
  return Object.fromEntries((train ? stepsOf(train) : []).map((s) => [s.entry, s.optimizer.perParam.map((p) => p.param.slice("Net.".length))]));
}

describe("parameters are chosen", () => {
  const all = ["trunk.W", "trunk.b", "tower.0.W", "tower.0.b", "tower.1.W", "tower.1.b", "head.W", "head.b"];
  test.each([
    ["over = params", all],
    ["over = weights", all.filter((p) => p.endsWith("W"))],
    ["over = biases", all.filter((p) => p.endsWith("b"))],
    ["over = trunk", ["trunk.W", "trunk.b"]],
    ["over = tower", all.filter((p) => p.startsWith("tower"))],
    ['over = "Net.tower.1"', ["tower.1.W", "tower.1.b"]],
    ['over = "tower.*.W"', ["tower.0.W", "tower.1.W"]],
    ['over = "*.b"', all.filter((p) => p.endsWith("b"))],
    ['over = "*t*r*"', all.filter((p) => p.startsWith("t"))],
    ['over = "Net*"', all],
    ['over = [head, "trunk.b"]', ["trunk.b", "head.W", "head.b"]],
    ["over = head.W", ["head.W"]],
    ["over = dense", all],
  ])("%s", (over, wanted) => {
    expect(trained(`step one { minimize = near, ${over} }; step rest { minimize = far + plain }`)["step.one"]).toEqual(wanted);
  });

  test("by the layer that made them, where nothing of the model is called so", () => {
    const text = `layer block(x: f32[N, n]) { h = dense(x, n); return batch_norm(h) }
      model M { input x: f32[N, 2]; a = block(x); b = tanh(dense(a, 2)); block = dense(b, 1); loss = mean(block^2) }
      train M { epochs = 1, optimizer = sgd(0.1)
        phase one { freeze = batch_norm }; phase two { freeze = [dense, "a.γ"] }; phase all { } }`.replaceAll("\n      ", "\n");
    const { program, diagnostics } = checkText(text);
    expect(diagnostics.list.map((d) => d.message)).toEqual(["`block` hides the layer of the same name"]);
    expect(program?.trains[0]?.phases.map((p) => p.runs[0]?.optimizer.perParam.map((q) => q.param))).toEqual([
      ["M.a.h.W", "M.a.h.b", "M.b.W", "M.b.b", "M.block.W", "M.block.b"], ["M.a.β"],
      ["M.a.h.W", "M.a.h.b", "M.a.γ", "M.a.β", "M.b.W", "M.b.b", "M.block.W", "M.block.b"],
    ]);
  });

  test("without `over`, those that the loss depends on", () => {
    expect(trained("step one { minimize = plain }; step two { minimize = near + far }")).toEqual({ "step.one": ["trunk.W", "trunk.b"], "step.two": all });
  });

  test("a name is no pattern of others that begin with it", () => {
    expect(errorsOf(`${model}\ntrain Net { epochs = 1, optimizer = sgd(0.1), freeze = "trun" }`)).toEqual(["E0411 no parameter of `Net` is meant by `trun`"]);
  });
});

describe("what no step touches", () => {
  const warnings = (blocks: string): string[] => checkText(`${model}\n${blocks}`).diagnostics.list.filter((d) => d.severity === "warning").map((d) => `${d.code} ${d.message}`);

  test("is warned of, over all blocks of a model together", () => {
    const one = "train Net as one { epochs = 1, optimizer = sgd(0.1)\nstep a { minimize = near, over = head } }";
    expect(warnings(one)).toEqual([
      "W0410 no step trains the parameters `Net.trunk.W`, `Net.trunk.b`", "W0410 no step trains the parameters `Net.tower.0.W`, `Net.tower.0.b`, `Net.tower.1.W`, `Net.tower.1.b`",
      "W0411 no step minimises `far`", "W0411 no step minimises `plain`",
    ]);
    expect(warnings(`${one}\ntrain Net as two { epochs = 1, optimizer = sgd(0.1) }`)).toEqual([]);
  });

  test("is not what one phase freezes and another trains", () => {
    expect(warnings('train Net { epochs = 1, optimizer = sgd(0.1)\nphase a { freeze = "trunk.*" }\nphase b { freeze = [tower, head] } }')).toEqual([]);
    expect(warnings("train Net { epochs = 1, optimizer = sgd(0.1), freeze = trunk.b }")).toEqual(["W0410 no step trains the parameter `Net.trunk.b`"]);
  });
});

test("steps and phases may have any name", () => {
  for (const name of ["constructor", "toString", "step", "phase", "training", "θ"]) {
    const { program, diagnostics } = checkText(`${model}\ntrain Net { epochs = 1, optimizer = adam(0.1)\nstep ${name} { minimize = near + far + plain }\nphase ${name} { }\nphase other { epochs = ${name}.best_epoch, freeze = trunk } }`);
    expect(diagnostics.list.map((d) => d.message), name).toEqual([]);
    const [train] = program?.trains ?? [];
    expect((train ? stepsOf(train) : []).map((s) => s.entry)).toEqual([`step.${name}`, `step.other.${name}`]);
  }
});

test("a long condition and a long objective cost no stack", () => {
  const terms = Array.from({ length: 20_000 }, () => "near").join(" + ");
  const condition = Array.from({ length: 20_000 }, (_, k) => `x[0] > ${k}`).join(" or ");
  const { program, diagnostics } = checkText(`${model}\ntrain Net { epochs = 1, optimizer = sgd(0.1), only = ${condition}\nstep all { minimize = ${terms} + far + plain } }`);
  expect(diagnostics.list).toEqual([]);
  expect(program?.trains[0]?.phases[0]?.only?.code).toHaveLength(20_000 * 4 - 1);
}, 60_000);

test("a loss that is wrong where it stands is not reported again where it is minimised", () => {
  const text = "model M { param w: f32 ~ ones; loss near = unknown(w); loss far = w^2 }\ntrain M { steps = 1, optimizer = sgd(0.1)\nstep one { minimize = near }; step two { minimize = far + 2 * loss } }";
  expect(errorsOf(text)).toEqual(["E0101 nothing is called `unknown` here"]);
});

describe("a key that is unknown", () => {
  const of = (entries: string): string[] => errorsOf(`${model}\ntrain Net { ${entries} }`);
  test.each([["optimiser", "did you mean `optimizer`?"], ["optim", "here it is `optimizer`"], ["Solver", "here it is `optimizer`"], ["learner", "it has start, data"], ["learning_rate", "the rate is the optimizer's"]])("`%s` is one error, with what is meant", (key, hint) => {
    const { diagnostics } = checkText(`${model}\ntrain Net { epochs = 1, ${key} = sgd(0.1) }`);
    expect(diagnostics.list.map((d) => `${d.code} ${d.message}`)).toEqual([`E0401 a train block has no \`${key}\``]);
    expect(diagnostics.list[0]?.hint).toContain(hint);
  });

  test("stands for the missing key in steps and phases too, and for no other", () => {
    expect(of("epochs = 1\nstep a { minimize = near, optimiser = sgd }")).toEqual(["E0401 a step has no `optimiser`"]);
    expect(of("epochs = 1, optim = sgd\nstep a { minimize = near }")).toEqual(["E0401 a train block has no `optim`"]);
    expect(of("epochs = 1, optimizer = sgd\nstep a { minimise = near }")).toEqual(["E0401 a step has no `minimise`"]);
    expect(of("optimizer = sgd\nphase p { max_iter = 3 }")).toEqual(["E0401 a phase has no `max_iter`"]);
    expect(of("epochs = 1, bach = 3")).toEqual(["E0402 this block has no `optimizer`", "E0401 a train block has no `bach`"]);
    expect(of("n_epochs = 1, batch_size = 3")).toEqual(["E0402 this block has no `optimizer`", "E0401 a train block has no `n_epochs`", "E0401 a train block has no `batch_size`"]);
  });
});
