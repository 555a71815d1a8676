/**
 * A session for a command: on a device that is closed again, or on the f64 evaluator.
 *
 *     const opened = await openFor(program, "webgpu");
 */
import type { Choices } from "../../kernels/alternatives.ts";
import type { CompiledProgram } from "../compile.ts";
import type { AdapterInfo } from "../harness/node/adapter.ts";
import { readBytes } from "../harness/node/files.ts";
import type { EntryName } from "../graph/build.ts";
import { openSession, type Session } from "../session.ts";
import type { Terminal } from "./terminal.ts";

/** An open session and what it runs on. */
export interface Opened {
  readonly session: Session;
  /** What was asked for and cannot be had here, for people. */
  readonly missing?: string;
  /** For people: `SwiftShader driver 5.0.0 (on the processor, Vulkan)`. */
  readonly where: string;
  close(): void;
}

/** The backends that the command line may name. */
export type BackendName = "webgpu" | "f64";

/** What a command wants of a session. */
export interface Wishes {
  /** What will run first. */
  readonly prepare?: readonly EntryName[];
  /** Bytes that a training step may keep between its kernels. */
  readonly memory?: number;
  /** Keeps what the forward pass leaves for the gradient in 16 bits, where the device can. */
  readonly half?: boolean;
  /** Asked on a device which kernels to take. */
  readonly tune?: (device: GPUDevice, info: AdapterInfo) => Promise<Choices>;
}

/** Opens a session on the backend that the command line names. Fails with an EnvironmentError where there is no adapter. */
export async function openFor(program: CompiledProgram, backend: BackendName, { tune, ...options }: Wishes = {}): Promise<Opened> {
  if (backend === "f64") {
    const session = await openSession(program, { backend: "f64" });
    return { session, where: "the f64 evaluator", close: () => session.close() };
  }
  const { adapterMemory, openDevice } = await import("../harness/node/adapter.ts");
  const { device, info, close } = await openDevice({ limits: adapterMemory, ...(options.half && { optionalFeatures: ["shader-f16"] }) });
  const where = `${info.name} (${info.software ? "on the processor" : "on a GPU"}, ${info.backend})`;
  try {
    const choices = await tune?.(device, info);
    const session = await openSession(program, { device, software: info.software, ...options, ...(choices && { choices }) });
    return {
      session,
      where,
      ...(options.half && !device.features.has("shader-f16") && { missing: `${info.name} has no shader-f16, so numbers keep their 32 bits` }),
      close: () => {
        session.close();
        close();
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** Sets a session's parameters from a safetensors file; warns of parameters that it lacks. */
export async function loadWeights(session: Session, file: string | undefined, terminal: Terminal): Promise<void> {
  if (file === undefined) return;
  const missing = session.load(await readBytes(file));
  if (missing.length > 0) terminal.err(`${terminal.paint.yellow("warning")}: ${file} lacks ${missing.join(", ")}; they keep their initial values\n`);
}
