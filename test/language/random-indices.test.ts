/**
 * Random indices under random conditions. A program is refused, or every access stays inside its axis (the evaluator
 * throws where one does not) and the values are those of a direct reading. Both happen often.
 */
import { expect, test } from "vitest";
import { compile } from "../../src/compile.ts";
import { openSession } from "../../src/session.ts";
import { near, numbers, range } from "./kit.ts";

/** A stream of whole numbers below `n`, the same every time. */
function chooser(seed: number): (n: number) => number {
  let word = seed >>> 0;
  return (n) => {
    word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
    return Math.floor((word / 2 ** 32) * n);
  };
}

/** A text and what it means at one place; undefined where it is not read. */
interface Written {
  readonly text: string;
  readonly at: (n: number, i: number) => number;
}

const y = [-2, 0, 5, 3];
const x = numbers(4 * 5, 3);

function whole(choose: (n: number) => number, depth: number): Written {
  const k = choose(6) - 1;
  if (depth === 0) {
    return ([{ text: "i", at: (_, i) => i }, { text: "i", at: (_, i) => i }, { text: "y[n]", at: (n) => y[n] as number }, { text: `(${k})`, at: () => k }] satisfies Written[])[choose(4)] as Written;
  }
  const [a, b] = [whole(choose, depth - 1), whole(choose, choose(2) === 0 ? 0 : depth - 1)];
  const by = 1 + choose(4);
  const c = condition(choose, 0);
  const forms: Written[] = [
    { text: `(${a.text} + ${b.text})`, at: (n, i) => a.at(n, i) + b.at(n, i) },
    { text: `(${a.text} - ${b.text})`, at: (n, i) => a.at(n, i) - b.at(n, i) },
    { text: `(${by} * ${a.text})`, at: (n, i) => by * a.at(n, i) },
    { text: `(${a.text} // ${by})`, at: (n, i) => Math.floor(a.at(n, i) / by) },
    { text: `(${a.text} % ${by + 1})`, at: (n, i) => a.at(n, i) - (by + 1) * Math.floor(a.at(n, i) / (by + 1)) },
    { text: `max(${a.text}, ${b.text})`, at: (n, i) => Math.max(a.at(n, i), b.at(n, i)) },
    { text: `min(${a.text}, ${b.text})`, at: (n, i) => Math.min(a.at(n, i), b.at(n, i)) },
    { text: `where(${c.text}, ${a.text}, ${b.text} + 0 * i)`, at: (n, i) => (c.at(n, i) ? a.at(n, i) : b.at(n, i)) },
    { text: `abs(${a.text})`, at: (n, i) => Math.abs(a.at(n, i)) },
  ];
  return forms[choose(forms.length)] as Written;
}

const relations: Readonly<Record<string, (a: number, b: number) => boolean>> = { "<": (a, b) => a < b, "<=": (a, b) => a <= b, ">": (a, b) => a > b, ">=": (a, b) => a >= b, "==": (a, b) => a === b, "!=": (a, b) => a !== b };

function condition(choose: (n: number) => number, depth: number): Written {
  if (depth === 0) {
    const [a, b] = [whole(choose, choose(2)), whole(choose, 0)];
    const name = Object.keys(relations)[choose(6)] as string;
    return { text: `${a.text} + 0 * i ${name} ${b.text}`, at: (n, i) => Number(relations[name]?.(a.at(n, i), b.at(n, i))) };
  }
  const [p, q] = [condition(choose, depth - 1), condition(choose, 0)];
  return ([
    { text: `(${p.text}) and (${q.text})`, at: (n, i) => Number(p.at(n, i) && q.at(n, i)) },
    { text: `(${p.text}) or (${q.text})`, at: (n, i) => Number(p.at(n, i) || q.at(n, i)) },
    { text: `not (${p.text})`, at: (n, i) => Number(!p.at(n, i)) },
  ] satisfies Written[])[choose(3)] as Written;
}

/** A condition that (perhaps) keeps the index inside: as written, off by one, or with one end left out. */
function keeping(choose: (n: number) => number, index: Written): Written {
  const [low, high] = [choose(6) === 0 ? -1 : 0, choose(6) === 0 ? 6 : 5];
  const inside: Written = { text: `${index.text} >= ${low} and ${index.text} < ${high}`, at: (n, i) => Number(index.at(n, i) >= low && index.at(n, i) < high) };
  const other = condition(choose, 0);
  switch (choose(6)) {
    case 0:
      return { text: `${index.text} >= ${low}`, at: (n, i) => Number(index.at(n, i) >= low) };
    case 1:
      return { text: `(${inside.text}) and (${other.text})`, at: (n, i) => Number(inside.at(n, i) && other.at(n, i)) };
    case 2:
      return { text: `(${inside.text}) or (${other.text})`, at: (n, i) => Number(inside.at(n, i) || other.at(n, i)) };
    case 3:
      return condition(choose, 1);
    default:
      return inside;
  }
}

let accepted = 0;
const programs = 160;

test.each(range(programs, 1))("indices %i", async (seed) => {
  const choose = chooser(seed * 7919);
  const lo = choose(3);
  const extent = 2 + choose(4);
  const index = whole(choose, 1 + choose(2));
  const guard = keeping(choose, index);
  const span = `i in ${lo}..${lo + extent}`;
  const rows = range(4);
  const columns = range(extent, lo);
  const read = (n: number, i: number): number => x[n * 5 + index.at(n, i)] as number;
  const kept = (n: number, i: number): number => (guard.at(n, i) ? read(n, i) : -1);
  const forms: { readonly text: string; readonly expected: () => number[] }[] = [
    { text: `o[n, ${span}] = x[n, ${index.text}] + 0 * i`, expected: () => rows.flatMap((n) => columns.map((i) => read(n, i))) },
    { text: `o[n, ${span}] = cases {\n  x[n, ${index.text}]  if ${guard.text}\n  -1  otherwise\n}`, expected: () => rows.flatMap((n) => columns.map((i) => kept(n, i))) },
    { text: `o[n, ${span}] = cases {\n  -1  if not (${guard.text})\n  x[n, ${index.text}]  otherwise\n}`, expected: () => rows.flatMap((n) => columns.map((i) => kept(n, i))) },
    { text: `o[n] = sum[${span} where ${guard.text}] x[n, ${index.text}]`, expected: () => rows.map((n) => columns.reduce((s, i) => s + (guard.at(n, i) ? read(n, i) : 0), 0)) },
    { text: `o[n] = count[${span}] ((${guard.text}) and x[n, ${index.text}] > 0)`, expected: () => rows.map((n) => columns.filter((i) => guard.at(n, i) && read(n, i) > 0).length) },
  ];
  const form = forms[choose(forms.length)] as (typeof forms)[number];
  const text = `model M {\n  input x: f32[N, 5]\n  target y: i32[N] in -2..6\n  ${form.text}\n  output o\n  output row[n] = x[n, 0] + y[n]\n}`;
  const { diagnostics, programs: made } = compile({ path: "t.dl", text });
  const errors = diagnostics.filter((d) => d.severity === "error");
  if (errors.length > 0) {
    expect(errors.map((d) => d.code).filter((code) => code !== "E0205" && code !== "E0217"), `${text}\n${errors.map((d) => d.message).join("\n")}`).toEqual([]);
    return;
  }
  accepted++;
  const session = await openSession(made[0] as (typeof made)[number], { backend: "f64" });
  const found = await session.predict({ x, y });
  near([...(found["o"]?.data ?? [])], form.expected());
});

test("a good part is accepted, and a good part refused", () => {
  expect(accepted).toBeGreaterThan(programs / 5);
  expect(accepted).toBeLessThan((4 * programs) / 5);
});
