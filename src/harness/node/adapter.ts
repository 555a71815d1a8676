/**
 * A WebGPU device in Node: a real GPU where there is one, else the software driver. Comes in: what is asked of the
 * device. Goes out: the device, what it is called, and how to close it.
 *
 * Dawn's object made by `create` must outlive everything made from it: collected earlier, the process crashes when it
 * ends. So each one is kept in a global for ever, and callers end a program by `process.exitCode`, never by force.
 *
 *     const { device, info, close } = await openDevice();
 *     process.stderr.write(`running on ${info.name}\n`);
 */
import * as fs from "node:fs";
import { EnvironmentError } from "./environment-error.ts";
import { restful } from "./restful.ts";
import { useSoftwareDriver } from "./software.ts";

/** The name of a device limit, `maxBufferSize` and the like. */
export type LimitName = Exclude<keyof GPUSupportedLimits, "__brand">;

/** As much memory as the adapter has: for programs whose tensors are larger than what every device holds. */
export const adapterMemory: NonNullable<DeviceOptions["limits"]> = { maxBufferSize: "adapter", maxStorageBufferBindingSize: "adapter", maxComputeWorkgroupStorageSize: "adapter" };

/** What is asked of a device; without anything it is the baseline device of WebGPU. */
export interface DeviceOptions {
  /** Use the software driver even where there is a GPU. Also by the environment: NABLA_ADAPTER=software. */
  readonly software?: boolean;
  /** Limits above the baseline: a number is demanded, "adapter" takes what the adapter has. */
  readonly limits?: Readonly<Partial<Record<LimitName, number | "adapter">>>;
  /** Features the device must have. */
  readonly features?: readonly GPUFeatureName[];
  /** Features the device gets where the adapter has them. */
  readonly optionalFeatures?: readonly GPUFeatureName[];
  /** Timestamps as the device takes them; by default Dawn rounds them, so that no page can tell what others do. */
  readonly exactTimestamps?: boolean;
  /** An error that no error scope caught: always a bug of whoever made the commands. */
  readonly onError?: (message: string) => void;
  /** The device went away, and not by `close`. */
  readonly onLost?: (message: string) => void;
}

/** What an adapter is, for people. */
export interface AdapterInfo {
  /** `SwiftShader driver 5.0.0`, `NVIDIA H200`. */
  readonly name: string;
  /** Driver and architecture, as far as known. */
  readonly description: string;
  /** True when it runs on the processor. */
  readonly software: boolean;
  /** Below the API, by operating system: Vulkan, Metal or D3D12. */
  readonly backend: string;
}

/** An open device. */
export interface OpenDevice {
  readonly adapter: GPUAdapter;
  readonly device: GPUDevice;
  readonly info: AdapterInfo;
  /** Destroys the device; without it a process still ends by itself. */
  close(): void;
}

const KEEP = Symbol.for("nabla.webgpu.keep");

/** Keeps `gpu` reachable for the life of the process. */
function keep(gpu: GPU): GPU {
  const holder = globalThis as { [KEEP]?: GPU[] };
  holder[KEEP] = [...(holder[KEEP] ?? []), gpu];
  return gpu;
}

async function loadLibrary(): Promise<typeof import("webgpu")> {
  try {
    return await import("webgpu");
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : String(cause);
    throw new EnvironmentError("E0607", `the GPU library 'webgpu' does not load: ${reason}`, "it needs glibc 2.34 or later (Debian 12, Ubuntu 22.04), macOS or Windows", { cause });
  }
}

/** Linux shows a GPU as a device node; asking Dawn without one only makes it complain on stderr. */
function mayHaveHardware(): boolean {
  if (process.platform !== "linux") return true;
  return ["/dev/dri/renderD128", "/dev/nvidia0", "/dev/dxg", "/dev/kfd"].some((node) => fs.existsSync(node));
}

/** The adapter to use, or null: a driver chosen by the environment, else a GPU, else software, else whatever the system has. */
async function findAdapter(software: boolean, exactTimestamps: boolean): Promise<GPUAdapter | null> {
  const { create, globals } = await loadLibrary();
  for (const [name, value] of Object.entries(globals)) {
    if (!(name in globalThis)) Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  const attempt = (): Promise<GPUAdapter | null> => keep(create(exactTimestamps ? ["disable-dawn-features=timestamp_quantization"] : [])).requestAdapter({ powerPreference: "high-performance" });
  const chosen = (process.env["VK_DRIVER_FILES"] ?? process.env["VK_ICD_FILENAMES"] ?? "") !== "";
  if (chosen && !software) return attempt();
  const hardware = mayHaveHardware();
  if (hardware && !software) {
    const adapter = await attempt();
    if (adapter) return adapter;
  }
  if (useSoftwareDriver()) {
    const adapter = await attempt();
    if (adapter) return adapter;
  }
  return hardware ? null : attempt();
}

function describe(adapter: GPUAdapter): AdapterInfo {
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
  const software = isFallbackAdapter || /swiftshader|llvmpipe|basic render/i.test(`${device} ${description}`);
  // The device of a software adapter is named after its code generator, which tells nobody anything.
  const name = (software ? [description, device] : [device, description, vendor]).find((text) => text !== "") ?? "unnamed adapter";
  return {
    name,
    description: [...new Set([vendor, architecture, description])].filter((text) => text !== "" && text !== name).join(", "),
    software,
    backend: process.platform === "darwin" ? "Metal" : process.platform === "win32" ? "D3D12" : "Vulkan",
  };
}

function wantedLimits(adapter: GPUAdapter, limits: NonNullable<DeviceOptions["limits"]>, name: string): Record<string, number> {
  const wanted: Record<string, number> = {};
  for (const [limit, value] of Object.entries(limits)) {
    const offered = adapter.limits[limit as LimitName] ?? 0;
    wanted[limit] = value === "adapter" ? offered : value;
    // `min…Alignment` limits are better when smaller; all others when larger.
    const met = value === "adapter" || (limit.startsWith("min") ? offered <= value : offered >= value);
    if (!met) throw new EnvironmentError("E0602", `this program needs ${limit} = ${value}, and the adapter '${name}' has ${offered}`, "compile it for the baseline device, or for a smaller batch");
  }
  return wanted;
}

/** What kernels use where an adapter has it. */
const usual: readonly GPUFeatureName[] = ["subgroups"];

/** Opens a device. Fails with an `EnvironmentError`: E0601 without an adapter, E0602 where it has too little, E0607 where Dawn does not load. */
export async function openDevice(options: DeviceOptions = {}): Promise<OpenDevice> {
  const adapter = await findAdapter(options.software ?? process.env["NABLA_ADAPTER"] === "software", options.exactTimestamps ?? false);
  if (!adapter) throw new EnvironmentError("E0601", "no WebGPU adapter was found, neither a GPU nor the software one", "install the npm package @sparticuz/chromium@147.0.0 for a software adapter, and run `nabla doctor`");
  const info = describe(adapter);
  const missing = options.features?.find((feature) => !adapter.features.has(feature));
  if (missing !== undefined) throw new EnvironmentError("E0602", `this program needs the feature '${missing}', which the adapter '${info.name}' lacks`);
  const wanted = [...usual, ...(options.optionalFeatures ?? [])].filter((feature) => adapter.features.has(feature));
  const features = [...new Set([...(options.features ?? []), ...wanted])];
  const device = restful(await adapter.requestDevice({ requiredFeatures: features, requiredLimits: wantedLimits(adapter, options.limits ?? {}, info.name) }));

  let closed = false;
  device.addEventListener("uncapturederror", (event) => {
    event.preventDefault(); // else Dawn prints it on stderr as well
    options.onError?.(event.error.message);
  });
  void device.lost.then((lost) => {
    if (!closed) options.onLost?.(lost.message === "" ? lost.reason : lost.message);
  });
  const close = (): void => {
    closed = true;
    device.destroy();
  };
  return { adapter, device, info, close };
}
