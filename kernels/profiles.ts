/**
 * The device classes kernels are made for. Comes in: nothing. Goes out: one table; a tuner may override any field.
 *
 *     bind(schedule, { ...profiles.gpu, tile: [8, 8] }, {})
 *
 * `software` is a processor that plays GPU four invocations at a time: an access of memory costs about fifty
 * multiplications, a barrier a thousand, workgroup memory more than it saves. `gpu` is everything else.
 */
import type { Profile } from "../src/ir/kernel.ts";

/** Bytes of a workgroup's memory that every device has. */
export const baseWorkgroupBytes = 16_384;

/** The table. */
export const profiles: Readonly<Record<"software" | "gpu", Profile>> = {
  software: {
    name: "software",
    barriers: false,
    pointwise: 128,
    rows: 16,
    tile: [16, 16],
    vector: { accesses: 16_384, invocations: 8 },
    several: 1024,
    bounded: true,
    joint: true,
    onePass: true,
    storageBuffers: 8,
    workgroupsPerDimension: 65_535,
  },
  gpu: {
    name: "gpu",
    barriers: true,
    pointwise: 64,
    rows: 64,
    tile: [8, 4],
    vector: { accesses: 262_144, invocations: 16_384 },
    columns: { fold: 64, turns: 16_384 },
    attention: 128,
    bounded: true,
    joint: true,
    onePass: true,
    storageBuffers: 8,
    workgroupsPerDimension: 65_535,
  },
};
