#!/usr/bin/env node
/**
 * The command. Comes in: the command line. Goes out: an exit status, never by force, so that pipes are flushed and the
 * GPU library ends in order. Each command's code is loaded when it runs; `--help` loads none of it.
 *
 *     nabla train examples/digits.dl --set epochs=3
 */
import { Command, CommanderError } from "commander";
import { exitCodes } from "./exit-code.ts";
import { positive, withBackend, withCommon, withCompile, withKernels, withMemory, type CommonOptions } from "./options.ts";
import { openTerminal, type Terminal } from "./terminal.ts";
import { packageVersion } from "./version.ts";

/** What a command does: it gets the streams and gives the exit status. */
type Action<O extends CommonOptions, A extends readonly unknown[]> = (terminal: Terminal, options: O, ...args: A) => Promise<number>;

/** Runs an action with its failures reported; commander hands over the arguments, then the options. */
function run<O extends CommonOptions, A extends readonly unknown[]>(action: Action<O, A>): (...handed: unknown[]) => Promise<void> {
  return async (...handed) => {
    const command = handed.at(-1) as Command;
    const options = command.opts<O>();
    const terminal = openTerminal(options);
    try {
      process.exitCode = await action(terminal, options, ...(handed.slice(0, -2) as unknown as A));
    } catch (error) {
      const { reportFailure } = await import("./failure.ts");
      process.exitCode = reportFailure(error, terminal, { json: options.json === true, verbose: options.verbose === true });
    }
  };
}

function commands(): Command {
  const nabla = new Command("nabla")
    .description("Compiles .dl files, networks written as mathematics, to WebGPU, and trains them.")
    .version(packageVersion(), "-V, --version")
    .showSuggestionAfterError()
    .addHelpText("after", "\nExit status: 0 done, 1 errors in the file or its data, 2 wrong usage, 3 no adapter, 70 a bug of nabla, 130 interrupted.");
  const file = ["<file>", "a .dl file, or - for standard input"] as const;
  const which = ["[name]", "the train block, where there are several"] as const;

  withMemory(withBackend(withCompile(nabla.command("train").description("compile a file and train it").argument(...file).argument(...which))))
    .option("-o, --output <folder>", "where the weights go (default: runs/<file>)")
    .option("--tune", "try several kernels for each step on this device first, and keep the fastest")
    .action(run(async (...all: Parameters<typeof import("./train.ts").train>) => (await import("./train.ts")).train(...all)));
  withCompile(nabla.command("check").description("report what is wrong with files, and write nothing").argument("<files...>", file[1]))
    .option("--gradients", "compare gradients given by hand with their functions, the loss's with differences in f64, and the device's with f64")
    .option("--bisect", "run every entry on the device and compare it with f64, kernel by kernel")
    .option("--strict", "with --gradients: a rule that differs on purpose is an error too")
    .option("--deny-warnings", "end with status 1 when there are warnings")
    .action(run(async (...all: Parameters<typeof import("./check.ts").check>) => (await import("./check.ts")).check(...all)));
  withBackend(withCompile(nabla.command("eval").description("print a model's values and gradients as they are before training").argument(...file).argument(...which)))
    .action(run(async (...all: Parameters<typeof import("./evaluate.ts").evaluate>) => (await import("./evaluate.ts")).evaluate(...all)));
  withMemory(withKernels(withCompile(nabla.command("build").description("write a standalone package that trains with npm start").argument(...file).argument(...which))))
    .option("-o, --output <folder>", "where it goes")
    .option("--tune", "try several kernels for each step on this device first, which must be of the same class")
    .action(run(async (...all: Parameters<typeof import("./build.ts").build>) => (await import("./build.ts")).build(...all)));
  withCompile(nabla.command("graph").description("write one HTML page that explains a program").argument(...file).argument(...which))
    .option("-o, --output <file>", "where it goes, - for standard output (default: <file>.html)")
    .action(run(async (...all: Parameters<typeof import("./graph.ts").graph>) => (await import("./graph.ts")).graph(...all)));
  withMemory(withKernels(withCompile(nabla.command("dump").description("print what a pass made of a program").argument(...file).argument(...which))))
    .requiredOption("--after <pass>", "build, normalise, differentiate, simplify, schedule, halve (with --half), bind, recompute (with --memory), stages, plan or emit")
    .option("--entry <name>", "init, step, step.<name>, evaluate, predict or gradients (default: the first step)")
    .option("--diff", "show what the pass changed")
    .option("--why", "say why nodes are one kernel or several (schedule), kernels one dispatch or several (stages)")
    .action(run(async (...all: Parameters<typeof import("./dump.ts").dump>) => (await import("./dump.ts")).dump(...all)));
  withCompile(nabla.command("grad").description("print the loss and its gradients as formulas").argument(...file).argument(...which))
    .option("--wrt <parameter>", "the gradient by this parameter alone, such as h.W")
    .option("--explain", "tell which rewrites made the formulas what they are, and where")
    .action(run(async (...all: Parameters<typeof import("./grad.ts").grad>) => (await import("./grad.ts")).grad(...all)));
  withCompile(nabla.command("profile").description("say where the time of a training step goes, kernel by kernel").argument(...file).argument(...which))
    .option("--entry <name>", "init, step, step.<name>, evaluate, predict or gradients (default: the first step)")
    .option("--examples <number>", "examples of a run (default: the batch of the train block)", positive)
    .option("--all", "list every kernel, not those alone that take longest")
    .option("--tune", "with the kernels that are the fastest on this device")
    .action(run(async (...all: Parameters<typeof import("./profile.ts").profile>) => (await import("./profile.ts")).profile(...all)));
  withCommon(nabla.command("fmt").description("rewrite files in their canonical form").argument("<files...>", file[1]))
    .option("--check", "write nothing, and fail when a file would change")
    .action(run(async (...all: Parameters<typeof import("./fmt.ts").fmt>) => (await import("./fmt.ts")).fmt(...all)));
  withCommon(nabla.command("std").description("show the library, or one entry of it as it is written").argument("[name]", "such as adam; without it, all are listed"))
    .action(run(async (...all: Parameters<typeof import("./std.ts").std>) => (await import("./std.ts")).std(...all)));
  withCommon(nabla.command("doctor").description("say what this machine offers, and try a kernel"))
    .action(run(async (terminal, options) => (await import("./doctor.ts")).doctor(terminal, options.json === true)));
  withCommon(nabla.command("explain").description("explain an error code").argument("[code]", "such as E0203; without it, all are listed"))
    .option("--markdown", "print the page of all codes")
    .action(run(async (...all: Parameters<typeof import("./explain.ts").explain>) => (await import("./explain.ts")).explain(...all)));
  return nabla;
}

/** Parses the command line; wrong usage is status 2, help and version are status 0. */
async function main(args: readonly string[]): Promise<void> {
  const nabla = commands();
  for (const command of [nabla, ...nabla.commands]) command.exitOverride();
  if (args.length === 0) {
    nabla.outputHelp();
    return;
  }
  try {
    await nabla.parseAsync(args, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
      return;
    }
    const { reportFailure } = await import("./failure.ts");
    process.exitCode = reportFailure(error, openTerminal({ color: "auto" }), { json: false, verbose: false });
  }
}

await main(process.argv.slice(2));
