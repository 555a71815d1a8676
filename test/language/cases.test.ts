/** `cases` of many branches: what is not chosen is infinite, or no number, at the points where it is not chosen, and never reaches a gradient. */
import { describe, expect, it } from "vitest";
import { expectGradients, near, opened, outputs, range } from "./kit.ts";

/** One branch after the other, each with its derivative; the points lie inside the branches, at the pole of another one where there is one. */
const branches: readonly { readonly text: string; readonly at: number; readonly value: (t: number) => number; readonly below?: number }[] = [
  { text: "0", below: 0.1, at: 0, value: () => 0 },
  { text: "log(t[n])", below: 0.5, at: 0.25, value: Math.log },
  { text: "sqrt(t[n] - 0.5)", below: 1, at: 0.75, value: (t) => Math.sqrt(t - 0.5) },
  { text: "1 / t[n]", below: 1.5, at: 1.25, value: (t) => 1 / t },
  { text: "t[n]^1.5", below: 2.5, at: 2, value: (t) => t ** 1.5 },
  { text: "1 / (t[n] - 2)", below: 3, at: 2.75, value: (t) => 1 / (t - 2) },
  { text: "log(t[n] - 2.75)", below: 3.5, at: 3.25, value: (t) => Math.log(t - 2.75) },
  { text: "exp(t[n] * t[n] / 9)", below: 100, at: 4, value: (t) => Math.exp((t * t) / 9) },
  { text: "1 / sqrt(t[n])", at: 400, value: (t) => 1 / Math.sqrt(t) },
];
const cases = `p[n] = cases {\n${branches.map(({ text, below }) => `  ${text}  ${below === undefined ? "otherwise" : `if t[n] < ${below}`}`).join("\n")}\n}`;
const model = (loss: string): string => `input x: f32[N]\nparam w: f32 ~ ones\nparam b: f32 ~ zeros\nt[n] = w * x[n] + b\n${cases}\n${loss}`;
const x = branches.map((b) => b.at);

describe("cases of many branches", () => {
  it("take the first that holds", async () => {
    near((await outputs(model("output p"), { x })).p, branches.map((b) => b.value(b.at)));
  });

  it("have the derivative of the branch that is taken, of the first and the second order", async () => {
    const feed = { x: x.slice(0, -1) };
    await expectGradients(model("loss = sum(p * cos(x))"), feed);
    await expectGradients(model("loss = sum[n] grad(sum(p), t)[n] * sin(x[n] + b)"), feed, 1e-5);
  });

  it("are finite where another branch is not", async () => {
    const session = await opened(model("loss = sum(p^2)\noutput slope[n] = grad(sum(p), t)[n]"));
    const h = 1e-6;
    near([...((await session.predict({ x }))["slope"]?.data ?? [])], branches.map(({ at, value }) => (value(at + h) - value(at - h)) / (2 * h)), 1e-6);
    for (const { data } of Object.values(await session.gradients({ x }))) for (const k of range(data.length)) expect(Number.isFinite(data[k])).toBe(true);
  });
});

/** Values that several choices use, with points where none of them takes it: there it is infinite, or no number. */
const shared: Readonly<Record<string, string>> = {
  "a sum of two": "loss = sum[n] cos(x[n]) * (where(x[n] < 0, u[n], 0) + where(x[n] < 0.1, sin(u[n]), 0))",
  "a sum of four, scaled": "v = 3 * u + 1\nloss = sum[n] (2 * where(x[n] < 0, v[n], 0) - x[n] * where(x[n] < 0.1, sin(v[n]), 0) + where(x[n] > 0.1, 0, u[n]^2) + where(x[n] < 0.05, cos(v[n]), 0))",
  "one inside the other": "loss = sum[n] (where(x[n] < 0.1, where(x[n] < 0, u[n], 0) + where(x[n] < 0.05, sin(u[n]), 0), 0) + where(x[n] < 0.06, tanh(u[n]), 0))",
  "a choice of a sum": "loss = sum[n] where(x[n] < 2, log(where(x[n] < 0, u[n], 0) + where(x[n] < 0.1, sin(u[n]), 0) + 1.5), 0)",
  "the larger of two, and a size": "loss = sum[n] (where(x[n] < 0, max(u[n], 0.3 * u[n]^2), 0) + where(x[n] < 0.1, abs(u[n] - 1), 0))",
  "cases, not all of which take it": "loss = sum(cases {\n  u if x < 0\n  sin(u) if x < 0.1\n  x if x < 0.2\n  1 otherwise\n})",
  "turned and cut": "q = reshape(u[0..4], 2, 2)\nc = reshape(x[0..4], 2, 2)\nloss = sum[i, j] (where(c[i, j] < 0, q[j, i] * where(c[j, i] < 0, 1, 0), 0) + where(c[i, j] < 0.1, sin(q[i, j]), 0))",
};

describe("a value that several choices use", () => {
  const feed = { x: [-0.002, 0.001, 3, -0.0015, 1.2] };
  it.each(Object.entries(shared))("%s", async (_, text) => {
    await expectGradients(`input x: f32[5]\nparam w: f32 ~ ones\nu = exp(300 * w * x)\n${text}`, feed, 1e-5);
    await expectGradients(`input x: f32[5]\nparam w: f32 ~ ones\nu = 0.02 / max(0.12 - w * x, 0)\n${text}`, feed, 1e-5);
  });

  it("a masked softmax by hand, with more around it, for a row that sees nothing", async () => {
    await expectGradients(`input x: f32[N, 3, 2]
input len: i32[N] in 0..4
param W: f32[2] ~ ones
s[n, i, j] = sum[c] x[n, i, c] * W[c] * x[n, j, c]
seen[n, i in 0..3, t in 0..3] = t < len[n]
e[n, i, j] = exp(s[n, i, j] - stop_gradient(max[k where seen[n, i, k]] s[n, i, k]))
z[n, i] = sum[k where seen[n, i, k]] e[n, i, k]
p[n, i, j] = where(seen[n, i, j], tanh(e[n, i, j] / z[n, i]) * s[n, i, j], 0)
loss = sum(p^2) + sum(p)`, { x: range(18).map((k) => Math.sin(k)), len: [0, 2, 3] }, 1e-5);
  });
});
