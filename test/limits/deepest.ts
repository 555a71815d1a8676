/** Prints the answers to the deepest programs, one a line: what `stack.test.ts` runs with little stack. */
import { answers } from "./deep-programs.ts";

for (const answer of answers()) console.log(answer);
