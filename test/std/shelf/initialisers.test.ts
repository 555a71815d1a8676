/** The initialisers by what was drawn, and what is true of many draws. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDevice, type OpenDevice } from "../../../src/harness/node/index.ts";
import { openSession } from "../../../src/session.ts";
import { errorsOf, outputs, program } from "../../language/kit.ts";
import { moments, reader, total } from "./by-hand.ts";
import { initialisers } from "./initialisers.ts";
import { describeShelf } from "./kit.ts";

describeShelf("initialisers", initialisers);

const draw = async (call: string): Promise<number[]> => (await outputs(`u = ${call}\noutput u`, {}, {}, 5))["u"] ?? [];

describe("many draws", () => {
  it.each<[string, number]>([
    ["fan_in_uniform[100, 200]", 1 / 300], ["glorot_uniform[100, 200]", 2 / 300], ["glorot_normal[100, 200]", 2 / 300], ["he_uniform[100, 200]", 2 / 100], ["he_normal[100, 200]", 2 / 100],
    ["lecun_uniform[100, 200]", 1 / 100], ["lecun_normal[100, 200]", 1 / 100], ["he_normal[80, 25, 3, 3]", 2 / 225], ["glorot_uniform[80, 25, 3, 3]", 2 / (225 + 720)], ["orthogonal[30, 60]", 1 / 60],
    ["gamma(2.5, scale = 2)[100, 200]", 10], ["gamma(0.5)[100, 200]", 0.5], ["beta(0.2, 0.2)[100, 200]", 0.25 / 1.4], ["beta(2, 3)[100, 200]", 0.04],
  ])("%s have their variance", async (call, variance) => {
    const drawn = await draw(call);
    const found = moments(drawn);
    const mean = /^gamma\(2/.test(call) ? 5 : /^gamma/.test(call) || /^beta\(0/.test(call) ? 0.5 : /^beta/.test(call) ? 0.4 : 0;
    expect(Math.abs(found.mean - mean)).toBeLessThan(5 * Math.sqrt(variance / drawn.length));
    expect(Math.abs(found.variance / variance - 1)).toBeLessThan(0.06);
  });

  it("sparse gives each unit exactly k weights, at every input alike", async () => {
    const W = reader([20, 3000], await draw("sparse(6)[20, 3000]"));
    const counts = Array.from({ length: 3000 }, (_, o) => total([20], (i = 0) => (W(i, o) === 0 ? 0 : 1)));
    expect(new Set(counts)).toEqual(new Set([6]));
    for (let i = 0; i < 20; i++) expect(Math.abs(total([3000], (o = 0) => (W(i, o) === 0 ? 0 : 1)) / 3000 - 0.3)).toBeLessThan(5 * Math.sqrt(0.21 / 3000));
  });

  it("orthogonal matrices are as likely as their turned ones: the first entry of many is that of a point on a sphere", async () => {
    const matrix = program("u = orthogonal[3, 3]\noutput u");
    const first: number[] = [];
    for (let seed = 0; seed < 300; seed++) first.push((await (await openSession(matrix, { backend: "f64", seed })).predict({}))["u"]?.data[0] ?? 0);
    // Of a point on the sphere each coordinate is uniform between -1 and 1 (Archimedes).
    const sorted = first.sort((a, b) => a - b);
    const distance = Math.max(...sorted.map((v, k) => Math.abs((v + 1) / 2 - (k + 0.5) / 300)));
    expect(distance).toBeLessThan(2.23 / Math.sqrt(300));
  });

  it("says what has no shape for it", () => {
    expect(errorsOf("param W: f32[4, 3] ~ sparse(5)\nloss = sum(W^2)")).toEqual(["E0211 a unit has no more weights than inputs"]);
    expect(errorsOf("param W: f32[4, 3, 2] ~ sparse(2)\nloss = sum(W^2)")[0]).toMatch(/^E0202/);
    expect(errorsOf("param W: f32[4] ~ eye\nloss = sum(W^2)")[0]).toMatch(/^E0202/);
  });
});

describe("on the device", () => {
  let gpu: OpenDevice;
  beforeAll(async () => {
    gpu = await openDevice();
  });
  afterAll(() => {
    gpu.close();
  });

  it.each<[string, number, number]>([["f32[48, 48]", 48, 48], ["f32[20, 70]", 20, 70], ["f32[70, 20]", 70, 20], ["f32[16, 8, 3, 3]", 16, 72]])("orthogonal %s is so to 1e-5", async (type, rows, columns) => {
    const session = await openSession(program(`param W: ${type} ~ orthogonal(gain = 2)\nloss = sum(W^2)`), { device: gpu.device, seed: 2 });
    const W = reader([rows, columns], [...(await session.get("M.W"))]);
    const size = Math.min(rows, columns);
    const at = rows <= columns ? (i: number, k: number): number => W(i, k) : (i: number, k: number): number => W(k, i);
    let worst = 0;
    for (let i = 0; i < size; i++)
      for (let j = 0; j < size; j++) worst = Math.max(worst, Math.abs(total([Math.max(rows, columns)], (k = 0) => at(i, k) * at(j, k)) - (i === j ? 4 : 0)));
    expect(worst).toBeLessThan(1e-5);
    session.close();
  });
});
