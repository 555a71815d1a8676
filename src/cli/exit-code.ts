/**
 * What the command's exit status says. Comes in: a failure. Goes out: a number.
 *
 *     exitCodeOf(new EnvironmentError("E0601", "no adapter"))   // 3
 */
import { EnvironmentError } from "../harness/node/environment-error.ts";
import { DataError } from "../harness/runtime/data-error.ts";
import { EngineError } from "../harness/runtime/engine.ts";
import { UserError } from "../support/diagnostic.ts";

/** The exit statuses; scripts rely on them. */
export const exitCodes = {
  ok: 0,
  /** Errors in the source, in its data, or in the run it describes. */
  source: 1,
  /** A bad flag, a missing file, a folder that cannot be written. */
  usage: 2,
  /** No adapter, a device lost, a limit that the device lacks. */
  environment: 3,
  /** Our bug. */
  internal: 70,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

/** Stops a command with a message of its own and the given status; a usage error unless said otherwise. */
export class CommandError extends Error {
  readonly status: number;
  readonly hint: string | undefined;

  constructor(message: string, hint?: string, status: number = exitCodes.usage) {
    super(message);
    this.name = "CommandError";
    this.status = status;
    this.hint = hint;
  }
}

/** E06xx that are not about the machine: sizes and WebGPU errors are our bugs, a number that is not finite and a loop too long are the program's. */
const notTheMachine: ReadonlyMap<string, number> = new Map([
  ["E0603", exitCodes.internal],
  ["E0604", exitCodes.internal],
  ["E0606", exitCodes.source],
  ["E0610", exitCodes.source],
]);

/** The status for a diagnostic code: E06xx is the machine, E07xx are files, all else is the source. */
export function statusOfCode(code: string): number {
  const known = notTheMachine.get(code);
  if (known !== undefined) return known;
  return code.startsWith("E06") ? exitCodes.environment : code.startsWith("E07") ? exitCodes.usage : exitCodes.source;
}

/** The stable code of anything thrown, where it has one. */
export function codeOf(error: unknown): string | undefined {
  if (error instanceof UserError) return error.diagnostic.code;
  return error instanceof EnvironmentError || error instanceof EngineError || error instanceof DataError ? error.code : undefined;
}

/** The status for anything thrown. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommandError) return error.status;
  const code = codeOf(error);
  const status = code === undefined ? exitCodes.internal : statusOfCode(code);
  // Who calls it a user's error has found a place in the user's text for it.
  return error instanceof UserError && status === exitCodes.internal ? exitCodes.source : status;
}
