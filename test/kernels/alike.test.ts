/** Kernels that are made from another one by exchanging buffers are what they would be if made by themselves. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { profiles } from "../../kernels/profiles.ts";
import { compile } from "../../src/compile.ts";

const workload = (name: string): string => readFileSync(new URL(`../bench/workloads/${name}.dl`, import.meta.url), "utf8");
const deep = "model M {\n  input x: f32[N, 20]\n  target y: f32[N, 20]\n  h = x\n  for k in 0..5 { h = h + tanh(dense(layer_norm(h), 20)) }\n  loss = mse(h, y)\n}\ntrain M { optimizer = adam(lr = 0.01)\n batch = 7\n steps = 2 }\n";
const cell = "model M {\n  input x: f32[N, 8, 3]\n  target y: f32[N, 8, 5]\n  h = lstm(x, 5)\n  loss = mse(h, y)\n}\ntrain M { optimizer = adam(lr = 0.01)\n batch = 7\n steps = 2 }\n";

test.each([["mlp", workload("mlp")], ["transformer", workload("transformer")], ["cnn", workload("cnn")], ["five equal layers", deep], ["eight steps of a cell", cell]])("%s", (_, text) => {
  for (const profile of [profiles.software, profiles.gpu]) {
    const [together, apart] = [[], ["alike"]].map((off) => {
      const [program] = compile({ path: "a.dl", text }, { off: new Set(off) }).programs;
      return program?.lower("step", { capacity: { N: 7 }, profile });
    });
    expect(together?.plan).toEqual(apart?.plan);
    expect(together?.texts).toEqual(apart?.texts);
  }
});
