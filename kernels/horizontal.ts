import type { Kernel, Profile } from "../src/ir/kernel.ts";
export function horizontal(kernels: readonly Kernel[], _profile: Profile): readonly Kernel[] { return kernels; }
