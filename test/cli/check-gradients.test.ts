/** `nabla check --gradients`: what it prints, and when it fails. */
import { expect, test } from "vitest";
import { runNabla } from "./run-nabla.ts";

const text = `fn sign_st(x) = sign(x) with gradient(dy) { x = dy }
fn soft(x) = tanh(x) with gradient(dy) { x = dy * (1 - out^2) }
model M {
  param w: f32[3] ~ ones
  param v: f32[2] ~ ones
  loss = sum(sign_st(w)) + sum(soft(v))
}
`;

test("says what differs on purpose and succeeds", async () => {
  const { status, out } = await runNabla(["check", "--gradients", "-"], { input: text });
  expect(status).toBe(0);
  expect(out.split("\n")).toEqual([
    expect.stringMatching(/^sign_st by x \(.*:1:45\): differs at \[0\], \S+ by its rule and 0 by its body$/),
    expect.stringMatching(/^soft by x \(.*:2:42\): agrees in 8 elements$/),
    expect.stringMatching(/^loss by M.w: differs at \[0\], 1 by its gradient and 0 by central differences; it passes through sign_st$/),
    "loss by M.v: agrees in 2 elements",
    expect.stringMatching(/^loss by M.w on .*: agrees in 3 elements$/),
    expect.stringMatching(/^loss by M.v on .*: agrees in 2 elements$/),
    "",
  ]);
});

test("fails when asked to be strict, at the rule and at the parameter", async () => {
  const { status, err } = await runNabla(["check", "--gradients", "--strict", "--color", "never", "-"], { input: text });
  expect(status).toBe(1);
  expect(err).toContain("error E0326: the gradient of `sign_st` by `x` differs at [0]");
  expect(err).toContain("error E0327: the gradient of the loss by `M.w` differs at [0], 1 by its gradient and 0 by central differences");
  expect(err).toContain("4 |   param w: f32[3] ~ ones");
  expect(err).not.toContain("M.v");
});

test("--bisect compares every entry kernel by kernel", async () => {
  const { status, out } = await runNabla(["check", "--bisect", "-"], { input: text });
  expect(status).toBe(0);
  expect(out).toMatch(/^init: \d+ kernels? agrees? with f64 in \d+ numbers, to \S+ of the largest$/m);
  expect(out).toMatch(/^gradients: \d+ kernels? agrees? with f64/m);
});

test("--strict without --gradients is wrong usage", async () => {
  expect((await runNabla(["check", "--strict", "-"], { input: text })).status).toBe(2);
});
