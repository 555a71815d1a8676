/** Training in stretches: again on all data after early stopping, and fine-tuning what another model has learned. */
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { openSession } from "../../src/session.ts";
import { dataOf, examplePrograms } from "../session/kit.ts";
import { trainExample } from "./train-example.ts";

vi.setConfig({ testTimeout: 120_000 });
let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

describe("retrain", () => {
  it("makes as many steps on all examples as were best on some", async () => {
    const { session, result, measured } = await trainExample(gpu, "retrain", { set: { "find.epochs": 12 } });
    const [find, again] = result.phases;
    expect(find?.bestStep).toBeGreaterThan(100);
    expect(again?.steps).toBe(find?.bestStep);
    // A third more examples for the same number of steps: fewer passes.
    expect(again?.epochs).toBeLessThan(find?.bestEpoch ?? 0);
    expect(measured["accuracy"]).toBeGreaterThan(0.93);
    session.close();
  });
});

describe("pretrain", () => {
  it("hands its code to a classifier, which leaves it alone while it is frozen", async () => {
    const [auto, digits] = examplePrograms("pretrain", { epochs: 10, "head.epochs": 25, "all.epochs": 12 });
    if (!auto || !digits) throw new Error("two blocks");
    const first = await openSession(auto, { device: gpu.device });
    await first.train(dataOf(auto));
    const second = await openSession(digits, { device: gpu.device });
    expect(second.load(await first.save())).toEqual(["Digits.logits.W", "Digits.logits.b"]);
    const code = async (session: typeof first, model: string): Promise<number[]> => [...(await session.get(`${model}.f.h.W`))];
    const before = await code(first, "Auto");
    expect(await code(second, "Digits")).toEqual(before);
    let after: number[] | undefined;
    let asked: Promise<void> | undefined;
    const result = await second.train(dataOf(digits), {
      onEpoch: ({ phase, epoch }) => {
        if (phase === "head" && epoch === 25) asked = code(second, "Digits").then((values) => { after = values; });
      },
    });
    await asked;
    expect(after).toEqual(before);
    expect(await code(second, "Digits")).not.toEqual(before);
    expect(result.final?.test?.["accuracy"]).toBeGreaterThan(0.8);
    first.close();
    second.close();
  });
});
