/**
 * What a device is to the compiler: the class that kernels are made for, and how much memory plans may use. Comes in: an open device.
 *
 *     profileFor({ device })       the software profile on SwiftShader, with what its invocations in step can do
 *     limitsOf(device)             what it was opened with
 */
import { baseWorkgroupBytes, profiles } from "../../kernels/profiles.ts";
import type { Profile } from "../ir/kernel.ts";
import { baseline, type MemoryLimits } from "../memory/plan.ts";

/** `software` selects kernels for a CPU-emulated adapter; by default what the adapter says of itself decides. */
export interface DeviceClass {
  readonly device: GPUDevice;
  readonly software?: boolean;
}

/** Workgroup memory that kernels take at most: with more a processor of a GPU holds too few workgroups. */
const mostWorkgroupBytes = 32_768;

/** How much memory plans may use: what the device was opened with. The number of bindings stays the baseline's, so that texts do. */
export function limitsOf({ limits }: GPUDevice): MemoryLimits {
  return { ...baseline, bindingBytes: limits.maxStorageBufferBindingSize, bufferBytes: limits.maxBufferSize };
}

/** What kernels are made for on a device. */
export function profileFor({ device, software }: DeviceClass): Profile {
  const info = device.adapterInfo;
  const emulated = software ?? (info.isFallbackAdapter || /swiftshader|llvmpipe|warp/i.test(`${info.architecture} ${info.description} ${info.device}`));
  const { subgroupMinSize: least, subgroupMaxSize: most } = info;
  const inStep = device.features.has("subgroups") && least === most;
  // Workgroups that share a row have a multiple of 64 invocations.
  const workgroupBytes = Math.min(device.limits.maxComputeWorkgroupStorageSize, mostWorkgroupBytes);
  if (!emulated) return { ...profiles.gpu, ...(workgroupBytes > baseWorkgroupBytes && { workgroupBytes }), ...(inStep && most >= 4 && 64 % most === 0 && { subgroup: most }) };
  return inStep && most === 4 ? { ...profiles.software, subgroup: most } : profiles.software;
}
