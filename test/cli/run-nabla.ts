/**
 * Runs the command as a user would: a process of its own, its streams captured, its exit status kept.
 *
 *     const { status, out, err } = await runNabla(["check", "a.dl"], { cwd: folder });
 */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;

/** What a process said and how it ended. */
export interface Finished {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** Where and with what to run it. */
export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string;
  /** Sends Ctrl-C once the standard error matches. */
  readonly interruptAt?: RegExp;
  /** Closes the reading end of its standard output at once, as `| head` would in the end. */
  readonly closeOutput?: boolean;
  /** Runs inside a pseudo-terminal of 80 columns, in which both streams arrive together in `out`. */
  readonly terminal?: boolean;
}

/** Runs `nabla` with these arguments. */
export function runNabla(args: readonly string[], { cwd, env, input = "", interruptAt, closeOutput = false, terminal = false }: RunOptions = {}): Promise<Finished> {
  const nabla = [process.execPath, "--import", tsx, main, ...args];
  const quoted = nabla.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  const [command = "", ...rest] = terminal ? ["script", "-qec", `stty cols 80; exec ${quoted}`, "/dev/null"] : nabla;
  // Colour is decided by the test alone.
  const { NO_COLOR: _no, FORCE_COLOR: _force, VITEST: _vitest, ...environment } = process.env;
  const child = spawn(command, rest, { cwd, env: { ...environment, TERM: "xterm", ...env } });
  let [out, err] = ["", ""];
  let interrupted = false;
  child.stdout.on("data", (part: Buffer) => {
    out += part.toString();
  });
  child.stderr.on("data", (part: Buffer) => {
    err += part.toString();
    if (interruptAt?.test(err) && !interrupted) interrupted = child.kill("SIGINT");
  });
  if (closeOutput) child.stdout.destroy();
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, out, err }));
  });
}
