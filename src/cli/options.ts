/**
 * Options that several commands share. Comes in: what stood on the command line. Goes out: typed values, or a usage error.
 *
 *     parseSetting("hidden=64")   // { hidden: 64 }
 */
import { type Command, Option } from "commander";
import { CommandError } from "./exit-code.ts";
import type { ColorChoice } from "./terminal.ts";

/** Every command has these. */
export interface CommonOptions {
  readonly color: ColorChoice;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

/** Overrides of hyperparameters and train settings, by name. */
export type Settings = Readonly<Record<string, number | string | boolean>>;

/** Commands that compile have these too. */
export interface CompileOptions extends CommonOptions {
  readonly set?: Settings;
  /** Check every pass's result against the rules of its form. */
  readonly verify?: boolean;
}

/** `name=value`: numbers and booleans where they look like it, text otherwise. The later of two wins. */
export function parseSetting(text: string, before: Settings = {}): Settings {
  const at = text.indexOf("=");
  const name = text.slice(0, at).trim();
  const value = text.slice(at + 1).trim();
  if (at < 1 || name === "" || value === "") throw new CommandError(`--set takes name=value, not '${text}'`, "for example --set hidden=64 --set seed=7");
  const number = Number(value);
  return { ...before, [name]: value === "true" ? true : value === "false" ? false : Number.isNaN(number) ? value : number };
}

/** Commands that make training steps have this. */
export interface MemoryOptions {
  readonly memory?: number;
  readonly half?: boolean;
}

/** `64MB`, `1.5 GB`, `900000`: bytes, by powers of 1000; `MiB` and the like by powers of 1024. */
export function parseBytes(text: string): number {
  const [, number = "", unit = ""] = /^(\d+(?:\.\d+)?) ?([A-Za-z]*)$/.exec(text.trim()) ?? [];
  const [, letter = "", binary = ""] = /^([kmg]?)(i?)b?$/i.exec(unit) ?? [undefined, "?"];
  const bytes = Math.floor(Number(number) * (binary ? 1024 : 1000) ** " kmg".indexOf(letter.toLowerCase() || " "));
  if (number === "" || letter === "?" || (binary && !letter) || bytes < 1) throw new CommandError(`--memory takes bytes, not '${text}'`, "for example --memory 64MB; B, KB, MB, GB by powers of 1000, KiB, MiB, GiB by powers of 1024");
  return bytes;
}

/** What was said of memory. */
export function memoryOf({ memory, half }: MemoryOptions): MemoryOptions {
  return { ...(memory !== undefined && { memory }), ...(half && { half }) };
}

/** Adds a budget for what a training step keeps between its kernels, and how wide it keeps it. */
export function withMemory(command: Command): Command {
  return command
    .option(
      "--memory <bytes>",
      "what a training step may keep between its kernels, such as 64MB, beside parameters and data; what does not fit is computed twice, which takes longer and gives the same numbers, to rounding (default: no limit)",
      parseBytes,
    )
    .option("--half", "keep what the forward pass leaves for the gradient in 16 bits a number, where the device has shader-f16; sums, gradients and parameters have 32");
}

/** A whole number from 1 on. */
export function positive(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new CommandError(`'${text}' is not a whole number from 1 on`);
  return number;
}

/** Adds what every command has. */
export function withCommon(command: Command): Command {
  return command
    .addOption(new Option("--color <when>", "when to colour").choices(["auto", "always", "never"]).default("auto", "auto"))
    .option("--json", "print one JSON document (train: one JSON line per epoch) on standard output")
    .option("-q, --quiet", "print results and errors alone")
    .option("--verbose", "print the time of each pass, and where an internal error happened");
}

/** Adds what every command has that compiles a file. */
export function withCompile(command: Command): Command {
  return withCommon(command)
    .option("--set <name=value>", "override a hyperparameter or train setting; may be repeated", parseSetting)
    .option("--verify", "check the result of every pass");
}

/** Adds the choice of where a model runs. */
export function withBackend(command: Command): Command {
  return command
    .addOption(new Option("--backend <name>", "a device, or the slow exact evaluator").choices(["webgpu", "f64"]).default("webgpu", "webgpu"))
    .option("--weights <file>", "start from these weights (safetensors)");
}

/** Adds the choice of what kernels are made for, where no device is open to ask. */
export function withKernels(command: Command): Command {
  return command.addOption(new Option("--kernels <class>", "what kernels are made for").choices(["gpu", "software"]).default("gpu", "gpu"));
}
