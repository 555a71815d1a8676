/** Where the time of a step goes: every dispatch is measured, modelled and named, with timestamps and without. */
import { describe, expect, it } from "vitest";
import { profiles } from "../../kernels/profiles.ts";
import { openDevice } from "../../src/harness/node/index.ts";
import { printProfile, printSeconds } from "../../src/report/print-profile.ts";
import { type EntryProfile, profileEntry } from "../../src/report/profile-entry.ts";
import { positionOf } from "../../src/support/span.ts";
import { programOf } from "../session/kit.ts";

const text = `model M {
  input x: f32[N, 8]
  target y: i32[N] in 0..3

  h = relu(dense(x, 16))
  z = dense(h, 3)

  loss = cross_entropy(z, y)
}

train M {
  batch     = 32
  steps     = 10
  optimizer = sgd(lr = 0.1)
}
`;

/** Each kernel by itself, unless stages are asked for. */
async function profiled(features: readonly GPUFeatureName[] = [], off: readonly string[] = ["stages"]): Promise<EntryProfile> {
  const { device, close } = await openDevice({ optionalFeatures: features, exactTimestamps: true });
  try {
    return await profileEntry(programOf(text, {}, off), { device, clock: () => performance.now(), profile: profiles.software, entry: "step", examples: 32 });
  } finally {
    close();
  }
}

describe("a profile", () => {
  it.each<[string, readonly GPUFeatureName[]]>([["timestamps", ["timestamp-query"]], ["repetition", []]])("by %s covers every dispatch", async (_, features) => {
    const profile = await profiled(features);
    const lowered = programOf(text, {}, ["stages"]).lower("step", { capacity: { N: 32 }, profile: profiles.software });
    expect(profile.timestamps).toBe(features.length > 0);
    expect(profile.kernels.map((k) => k.name)).toEqual(lowered.memory.kernels.map((k) => k.kernel.name));
    expect(profile.whole).toBeGreaterThan(0);
    for (const k of profile.kernels) {
      expect(Number.isFinite(k.measured) && k.measured >= 0).toBe(true);
      expect(k.predicted).toBeGreaterThan(0);
      expect(k.span).toBeDefined();
    }
    expect(Object.values(profile.limits).every((v) => Number.isFinite(v) && v > 0)).toBe(true);
    // Forward 2 N (8 16 + 16 3), as much again by each weight, and by h; the rest is small.
    const flops = profile.kernels.reduce((s, k) => s + k.work.flops, 0);
    expect(flops).toBeGreaterThan(2 * 32 * (2 * 8 * 16 + 3 * 16 * 3));
  });

  it("names what a kernel computes and where it stands", async () => {
    const { kernels } = await profiled();
    const named = kernels.map((k) => k.computes).join("; ");
    for (const name of ["h", "z", "∂z", "∂h.W", "∂z.W", "new h.W"]) expect(named).toContain(name);
    const of = (name: string) => kernels.find((k) => k.computes.split(", ").includes(name));
    const line = (name: string): number => {
      const span = of(name)?.span;
      return span ? positionOf(span.source, span.start).line : 0;
    };
    expect(line("h")).toBe(5);
    expect(line("new h.W")).toBe(14);
  });

  it("names the stages of one dispatch, values before updates", async () => {
    const { kernels } = await profiled([], []);
    expect(kernels).toHaveLength(1);
    expect(kernels[0]?.computes).toMatch(/^h, z, .*…; new h\.W/);
  });

  it("is printed with the slowest first and the rest in one line", async () => {
    const profile = await profiled();
    const printed = printProfile(profile, { where: "a device", most: 2, model: "M" }).split("\n");
    const slowest = [...profile.kernels].sort((a, b) => b.measured - a.measured)[0];
    expect(printed[0]).toBe("step of M on 32 examples, a device");
    expect(printed[4]).toMatch(/^ *# {2}computes +kernel +from +time +share +model +FLOP +bytes +FLOP\/s +bound by$/);
    expect(printed[5]?.trim().split(/ +/)[0]).toBe(String(slowest?.dispatch));
    expect(printed[7]).toMatch(new RegExp(`^ +and ${profile.kernels.length - 2} more, .* in all`));
  });

  it("has times in three digits", () => {
    expect([1.5, 0.0412, 8.7e-4, 1.2e-5].map(printSeconds)).toEqual(["1.50 s", "41.2 ms", "870 µs", "12.0 µs"]);
  });
});
