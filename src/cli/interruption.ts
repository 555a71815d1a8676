/**
 * Ctrl-C as a question that can be asked between two steps. The first asks the work to end in order, so that it can
 * save; the second ends the process at once.
 *
 *     const interruption = watchForInterruption();
 *     await work({ interrupted: interruption.asked });
 *     interruption.end();
 */
import { exitCodes } from "./exit-code.ts";

/** Whether Ctrl-C was pressed since it was made. */
export interface Interruption {
  readonly asked: () => boolean;
  /** Gives Ctrl-C back its usual meaning. */
  readonly end: () => void;
}

/** Listens for Ctrl-C and for a request to terminate. */
export function watchForInterruption(): Interruption {
  let asked = false;
  const hear = (): void => {
    if (asked) process.exit(exitCodes.interrupted);
    asked = true;
  };
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) process.on(signal, hear);
  return {
    asked: () => asked,
    end: () => {
      for (const signal of signals) process.off(signal, hear);
    },
  };
}
