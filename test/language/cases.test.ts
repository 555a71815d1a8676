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
