/**
 * Damaged programs: each is compiled or refused with a place and a code; nothing is thrown and nothing hangs. The short
 * form of `npm run mutate`.
 */
import { expect, it } from "vitest";
import { corpus } from "./corpus.ts";
import { checkMutant, mutator, type Verdict } from "./mutate.ts";

/** As many as are tried here, and the time one may take, ms; the slowest example takes a tenth of a second. */
const runs = 2000;
const limit = 20_000;

it("damaged programs are compiled or refused, never with a crash", () => {
  const mutants = mutator(corpus(), 20261125);
  const findings: string[] = [];
  const outcomes = new Map<Verdict["outcome"], number>();
  const codes = new Set<string>();
  for (let k = 0; k < runs; k++) {
    const mutant = mutants(k);
    const { outcome, complaint, ms, codes: found } = checkMutant(mutant);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    for (const code of found) codes.add(code);
    if (complaint !== undefined || ms > limit) findings.push(`${k} (${mutant.from}): ${complaint ?? `${ms} ms`}`);
  }
  expect(findings).toEqual([]);
  // The damage is of every kind: much is refused early, some late, and some programs still mean something.
  expect(outcomes.get("accepted") ?? 0).toBeGreaterThan(runs / 20);
  expect(codes.size).toBeGreaterThan(30);
}, 180_000);
