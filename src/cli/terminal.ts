/**
 * The two streams of the command, and what they can show. Results go to `out`, all else to `err`; a closed pipe is no
 * error. Colour follows --color, then NO_COLOR and FORCE_COLOR, then whether stderr is a terminal.
 *
 *     const terminal = openTerminal({ color: "auto" });
 *     terminal.err(`${terminal.paint.bold("hello")}\n`);
 */
import pc from "picocolors";

/** How colours are asked for. */
export type ColorChoice = "auto" | "always" | "never";

/** The streams and their abilities. */
export interface Terminal {
  /** Writes a result to standard output. */
  readonly out: (text: string) => void;
  /** Writes a diagnostic, progress or a summary to standard error. */
  readonly err: (text: string) => void;
  /** Whether standard error can redraw a line. */
  readonly live: boolean;
  readonly columns: () => number;
  readonly color: boolean;
  readonly paint: ReturnType<typeof pc.createColors>;
}

/** What decides about colour. */
export interface ColorQuestion {
  readonly choice: ColorChoice;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly terminal: boolean;
}

/** --color first; an empty NO_COLOR counts as unset (no-color.org), FORCE_COLOR=0 as no. */
export function wantsColor({ choice, environment, terminal }: ColorQuestion): boolean {
  if (choice !== "auto") return choice === "always";
  const { NO_COLOR: no = "", FORCE_COLOR: force = "", TERM: term = "" } = environment;
  if (no !== "") return false;
  if (force !== "") return force !== "0" && force !== "false";
  return terminal && term !== "dumb";
}

/** Makes a stream's closed pipe (`nabla … | head`) end the output quietly, and any other refusal a line and status 2. */
function quietWhenClosed(stream: NodeJS.WriteStream): (text: string) => void {
  let closed = false;
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE" && !closed) {
      process.exitCode = 2;
      if (stream !== process.stderr) process.stderr.write(`error E0702: cannot write the output: ${error.message}\n`);
    }
    closed = true;
  });
  return (text) => {
    if (!closed) stream.write(text);
  };
}

/** Opens the process's streams; called once. */
export function openTerminal({ color: choice }: { readonly color: ColorChoice }): Terminal {
  const live = process.stderr.isTTY === true && process.env["TERM"] !== "dumb";
  const color = wantsColor({ choice, environment: process.env, terminal: process.stderr.isTTY === true });
  return {
    out: quietWhenClosed(process.stdout),
    err: quietWhenClosed(process.stderr),
    live,
    columns: () => process.stderr.columns || 80,
    color,
    paint: pc.createColors(color),
  };
}
