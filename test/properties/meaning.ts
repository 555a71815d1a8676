/**
 * What a program computes, as numbers that two versions of it can be compared by. Comes in: a text. Goes out: for each of
 * its programs, how many nodes of each kind every graph has, and the values of evaluation and gradients in f64 on fixed
 * data with fixed parameters.
 *
 *     const a = await meaningOf(text), b = await meaningOf(renamed);   // the same numbers, under other names
 */
import { compile } from "../../src/compile.ts";
import { elementsOf } from "../../src/harness/runtime/sizes.ts";
import { topological } from "../../src/graph/topological.ts";
import { openSession } from "../../src/session.ts";
import { numbers } from "../graphs/values.ts";

/** One program's. */
export interface Meaning {
  /** Of each entry, in order: its kinds of nodes with their counts. */
  readonly graphs: readonly string[];
  /** Of each parameter and each output: name and values. */
  readonly initial: readonly (readonly [name: string, values: readonly number[]])[];
  readonly values: readonly (readonly [name: string, values: readonly number[]])[];
}

const rows = 3;

/** Compiles and runs. Throws when the text has errors. `fixed` sets parameters and states to numbers of its own instead of the initial ones. */
export async function meaningOf(text: string, fixed: boolean): Promise<readonly Meaning[]> {
  const { diagnostics, programs } = compile({ path: "program.dl", text });
  const wrong = diagnostics.filter((d) => d.severity === "error");
  if (wrong.length > 0) throw new Error(`${wrong.map((d) => `${d.code} ${d.message}`).join("; ")}\n${text}`);
  const found: Meaning[] = [];
  for (const program of programs) {
    const graphs = program.entries.map((entry) => {
      const counts = new Map<string, number>();
      const { outputs, commits } = program.graph(entry);
      for (const node of topological([...outputs, ...commits].map((o) => o.node))) counts.set(node.op, (counts.get(node.op) ?? 0) + 1);
      return `${entry}: ${[...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([op, n]) => `${op} ${n}`).join(", ")}`;
    });
    const session = await openSession(program, { backend: "f64", seed: 5 });
    const initial = await Promise.all(session.parameters.map(async (p) => [p.name, [...(await session.get(p.name))]] as const));
    const states = await Promise.all((fixed ? program.model.states : []).map(async (s) => [s.path, [...(await session.get(s.path))]] as const));
    if (fixed) for (const [k, [path, values]] of [...initial, ...states].entries()) session.set(path, random(values.length, k));
    const feed = Object.fromEntries(program.info.inputs.map((input, k) => {
      const count = elementsOf(input.shape, program.info.batch === undefined ? {} : { [program.info.batch]: rows });
      const { lo, hi } = input.range ?? { lo: 0, hi: 2 };
      return [input.name, random(count, 50 + k).map((v) => (input.dtype === "f32" ? v : lo + Math.floor(Math.abs(v) * 97) % (hi - lo)))];
    }));
    const values: (readonly [string, readonly number[]])[] = [];
    const add = (from: string, outputs: Readonly<Record<string, { readonly data: ArrayLike<number> }>>): void => {
      for (const [name, { data }] of Object.entries(outputs)) values.push([`${from} ${name}`, Array.from(data)]);
    };
    // Draws are keyed by path: under other names they are other numbers.
    const isComparable = (entry: string): boolean => program.entries.some((e) => e === entry) && !(fixed && graphs.some((g) => g.startsWith(`${entry}:`) && /\brandom\b/.test(g)));
    if (isComparable("evaluate")) add("evaluate", await session.evaluate(feed));
    if (isComparable("gradients")) add("gradients", await session.gradients(feed));
    session.close();
    found.push({ graphs, initial, values });
  }
  return found;
}

function random(count: number, seed: number): number[] {
  const next = numbers(1000 + seed);
  return Array.from({ length: count }, () => next() * 2 - 1);
}
