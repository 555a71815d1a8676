/**
 * The long form of the mutations: `npm run mutate -- --runs 10000 --seed 1`. Every mutant is compiled in a process of its
 * own kind that is given a time limit, so that a program which hangs the compiler is a finding and not the end. What it
 * finds is printed with its text; exits with 1 if there was any. `--only 17` runs one again and shows its text.
 */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { corpus } from "./corpus.ts";
import { checkMutant, mutator, type Verdict } from "./mutate.ts";

/** A mutant that takes longer than this hangs, ms; the slowest example takes a tenth of a second. */
const limit = 30_000;

const setting = (name: string, otherwise: number): number => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
};
const runs = setting("runs", 10_000);
const seed = setting("seed", 1);
const mutants = mutator(corpus(), seed);

/** What the child says of one mutant. */
interface Answer {
  readonly number: number;
  readonly verdict: Verdict;
}

function child(): void {
  process.on("message", (number: number) => {
    process.send?.({ number, verdict: checkMutant(mutants(number)) } satisfies Answer);
  });
  // Loading the compiler is no mutant's time.
  process.send?.("ready");
}

/** A process that has loaded the compiler. */
async function start(): Promise<ChildProcess> {
  const made = fork(fileURLToPath(import.meta.url), process.argv.slice(2), { env: { ...process.env, MUTANT_CHILD: "1" }, execArgv: process.execArgv });
  await new Promise((resolve) => made.once("message", resolve));
  return made;
}

interface Totals {
  readonly outcomes: Map<string, number>;
  readonly codes: Map<string, number>;
  findings: number;
  slowest: number;
}

const count = (map: Map<string, number>, key: string): void => void map.set(key, (map.get(key) ?? 0) + 1);

function finding(totals: Totals, number: number, what: string): void {
  totals.findings++;
  const { from, text } = mutants(number);
  process.stdout.write(`\n== mutant ${number} of seed ${seed} (${from})\n${what}\n--\n${text.length > 2000 ? `${text.slice(0, 2000)}…` : text}\n`);
}

/** Gives out numbers from `next` on to one child after the other, as long as there are any. */
async function work(next: () => number | undefined, totals: Totals): Promise<void> {
  let worker: ChildProcess | undefined;
  for (let number = next(); number !== undefined; number = next()) {
    worker ??= await start();
    const current = worker;
    const answer = await new Promise<Answer | "hang" | "exit">((resolve) => {
      const timer = setTimeout(() => resolve("hang"), limit);
      const settle = (a: Answer | "exit"): void => {
        clearTimeout(timer);
        current.removeAllListeners();
        resolve(a);
      };
      current.once("message", (a) => settle(a as Answer));
      current.once("exit", () => settle("exit"));
      current.send(number ?? 0);
    });
    if (answer === "hang" || answer === "exit") {
      current.removeAllListeners();
      current.kill("SIGKILL");
      worker = undefined;
      count(totals.outcomes, answer);
      finding(totals, number, answer === "hang" ? `hangs: no answer in ${limit} ms` : "the process ended");
      continue;
    }
    const { verdict } = answer;
    count(totals.outcomes, verdict.outcome);
    for (const code of new Set(verdict.codes)) count(totals.codes, code);
    totals.slowest = Math.max(totals.slowest, verdict.ms);
    if (verdict.complaint !== undefined) finding(totals, number, verdict.complaint);
  }
  worker?.kill();
}

async function run(): Promise<void> {
  const totals: Totals = { outcomes: new Map(), codes: new Map(), findings: 0, slowest: 0 };
  let given = 0;
  const next = (): number | undefined => {
    if (given % 1000 === 0) process.stderr.write(`${given} of ${runs}, ${totals.findings} findings\n`);
    return given < runs ? given++ : undefined;
  };
  await Promise.all([work(next, totals), work(next, totals)]);
  const sorted = (map: Map<string, number>): string => [...map].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, n]) => `${key} ${n}`).join(", ");
  process.stdout.write(`\n${runs} mutants of ${corpus().length} texts: ${sorted(totals.outcomes)}; ${totals.findings} findings; slowest ${totals.slowest.toFixed(0)} ms\ncodes: ${sorted(totals.codes)}\n`);
  if (totals.findings > 0) process.exitCode = 1;
}

const only = setting("only", -1);
if (process.env["MUTANT_CHILD"] === "1") child();
else if (only >= 0) process.stdout.write(`${mutants(only).text}\n--\n${JSON.stringify(checkMutant(mutants(only)), null, 2)}\n`);
else await run();
