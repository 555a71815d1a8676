/** Tensors beyond what every device holds: they run where the device was opened with more, and are refused with their line where not. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { profiles } from "../../kernels/profiles.ts";
import { adapterMemory, openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { openSession } from "../../src/session.ts";
import { UserError } from "../../src/support/diagnostic.ts";
import { positionOf } from "../../src/support/span.ts";
import { programOf } from "./kit.ts";

/** 144 MB in one tensor; a binding of the baseline device holds 134 MB. */
const text = `model M {
  input i: i32[N] in 0..36000
  param E: f32[36000, 1000] ~ uniform(1, 2)
  output y = mean(E[i], axis = 1)
}
`;

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice({ limits: adapterMemory });
});
afterAll(() => {
  gpu.close();
});

it("a table of 144 MB is read where the device has room for it", async () => {
  const session = await openSession(programOf(text), { device: gpu.device });
  const { y } = await session.predict({ i: [0, 35_999] });
  expect([...(y?.data ?? [])].every((v) => Math.abs(v - 1.5) < 0.05)).toBe(true);
  session.close();
});

it("a device of the baseline refuses it at its declaration", () => {
  let refused: unknown;
  try {
    programOf(text).lower("predict", { capacity: { N: 2 }, profile: profiles.software });
  } catch (error) {
    refused = error;
  }
  expect(refused).toBeInstanceOf(UserError);
  const { code, span, message } = (refused as UserError).diagnostic;
  expect([code, span && positionOf(span.source, span.start).line]).toEqual(["E0602", 3]);
  expect(message).toContain("144,000,000 bytes, and one binding of the device holds 134,217,728");
});
