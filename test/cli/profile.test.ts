/** `nabla profile`: what it prints, and what it refuses. */
import { expect, test } from "vitest";
import { runNabla } from "./run-nabla.ts";

const text = "model M {\n  input x: f32[N, 4]\n  h = dense(x, 2)\n  loss = mean(h^2)\n}\ntrain M {\n  batch = 8\n  steps = 5\n  optimizer = sgd(lr = 0.1)\n}\n";

test("prints a table of the step's kernels", async () => {
  const { status, out } = await runNabla(["profile", "-"], { input: text });
  expect(status).toBe(0);
  const lines = out.split("\n");
  expect(lines[0]).toMatch(/^step of M on 8 examples, .+ \(on .+\)$/);
  expect(lines[1]).toMatch(/^\d+ dispatch(es)?, .+ a run, of which kernels .+FLOP\/s$/);
  expect(out).toContain("<stdin>:3 dense(x, 2)");
});

test("is one JSON document with --json, for another entry and number of examples", async () => {
  const { status, out } = await runNabla(["profile", "-", "--json", "--entry", "gradients", "--examples", "3"], { input: text });
  expect(status).toBe(0);
  const found = JSON.parse(out) as { entry: string; examples: number; kernels: { measured: number; line: number }[] };
  expect([found.entry, found.examples]).toEqual(["gradients", 3]);
  expect(found.kernels.length).toBeGreaterThan(0);
  for (const k of found.kernels) expect([typeof k.measured, typeof k.line]).toEqual(["number", "number"]);
});

test("refuses an entry that there is not, and a number that is none", async () => {
  const entry = await runNabla(["profile", "-", "--entry", "stop"], { input: text });
  expect([entry.status, entry.err]).toEqual([2, expect.stringContaining("M has no entry 'stop'")]);
  const examples = await runNabla(["profile", "-", "--examples", "0"], { input: text });
  expect([examples.status, examples.err]).toEqual([2, expect.stringContaining("'0' is not a whole number from 1 on")]);
});
