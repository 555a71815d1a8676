/** A worker's work: the answers to the deepest programs. */
import { answers } from "./deep-programs.ts";

/** Gives a line for each program. */
export default async function page(): Promise<readonly string[]> {
  return answers();
}
