/**
 * The derivative table in the middle of programs, generated from its samples (see variants.ts): operands are computed, the result is
 * used twice, weighted and added to; operands are leaves of their own, one leaf used repeatedly, or leaves spread over an axis; one
 * leaf does not occur at all. Against central differences in f64: first order, second, and mixed third; jvp, hvp, and that forward and
 * reverse are transposes of each other. An op without cases fails.
 */
import { afterAll, describe, expect, it } from "vitest";
import { differentiate, differentiateBy } from "../../src/grad/differentiate.ts";
import { verifyGraph } from "../../src/graph/verify-graph.ts";
import type { DeriveKind, Node, OpName } from "../../src/ir/node.ts";
import type { Emit } from "../../src/ir/emit.ts";
import { noPath } from "../../src/ops/op.ts";
import type { Adjoint, OpRecord, OpTable, Tensor64 } from "../../src/ops/op.ts";
import { table } from "../../src/ops/table.ts";
import { differences, draw, evaluated, type Form, numbers, programOf, unused } from "./cases.ts";
import type { Case, Program } from "./cases.ts";
import { variants } from "./variants.ts";

const all = variants();
/** `stop` has a slope that it hides on purpose; gradients.test.ts has a test of it. */
const cases = all.filter((c) => c.op !== "stop" && c.inputs.some((t) => t.dtype === "f32") && typeof (table[c.op] as unknown as OpRecord<OpName>).grad === "function");
const forms: readonly Form[] = ["own", "shared", "first axis spread", "last axis spread"];

/** What was compared, by kind of derivative, and the worst |found - wanted| / max(1, |wanted|). */
const tally = new Map<string, { cases: number; numbers: number; worst: number; at: string }>();

afterAll(() => {
  const lines = [...tally].map(([kind, t]) => `${kind}: ${t.cases} cases, ${t.numbers} numbers, worst ${t.worst.toExponential(1)} (${t.at})`);
  process.stdout.write(`${Object.keys(table).length} primitives, ${all.length} cases, ${cases.length} with derivatives\n${lines.join("\n")}\n`);
});

function compare(kind: string, title: string, found: ArrayLike<number>, wanted: ArrayLike<number>, relative = 1e-3, absolute = 1e-5): void {
  const t = tally.get(kind) ?? { cases: 0, numbers: 0, worst: 0, at: "" };
  tally.set(kind, t);
  t.cases++;
  expect(found.length, title).toBe(wanted.length);
  for (let k = 0; k < wanted.length; k++) {
    const [f, w] = [found[k] as number, wanted[k] as number];
    const off = Math.abs(f - w);
    expect(off, `${title}, ${kind}, element ${k}: ${f} against ${w}`).toBeLessThan(absolute + relative * Math.abs(w));
    t.numbers++;
    if (off / Math.max(1, Math.abs(w)) > t.worst) [t.worst, t.at] = [off / Math.max(1, Math.abs(w)), title];
  }
}

/** The given nodes without derivative forms, in an order kept. */
function derived(program: Program, nodes: readonly Node[], pass: typeof differentiate): readonly Node[] {
  const graph = program.builder.finish("gradients", nodes.map((node, i) => ({ name: `n${i}`, kind: "gradient", node })), []);
  verifyGraph(graph);
  const done = pass.run(graph);
  verifyGraph(done, { forms: false });
  return done.outputs.map((o) => o.node);
}

const form = (program: Program, kind: DeriveKind, ...inputs: readonly Node[]): Node => program.builder.make("derive", { kind }, inputs);
const sumOf = (program: Program, x: Node, y: Node): Node => program.builder.reduce("sum", program.builder.mul(x, y), x.type.shape.map((_, a) => a));
const dot = (x: ArrayLike<number>, y: ArrayLike<number>): number => Array.from(x).reduce((s, v, k) => s + v * (y[k] ?? 0), 0);

/** The program of a case with values that are none of the sentinels that a maximum over nothing gives. */
function moderate(c: Case, as: Form): Program {
  for (let seed = 5; ; seed++) {
    const program = programOf(c, seed, as);
    if (evaluated(program.out, program.values).data.every((v) => Math.abs(v) < 1e6) || program.out.type.dtype !== "f32") return program;
  }
}

/** Everything about a case in one form. */
function check(c: Case, as: Form, pass = differentiate): void {
  const program = moderate(c, as);
  const { builder, values, loss, out, wrt } = program;
  const next = numbers(99);
  const table64 = (like: Node): { readonly node: Node; readonly value: Tensor64 } => {
    const value = draw(like.type, next);
    return { node: builder.const(like.type, value.data.length === 0 ? 0 : [...value.data]), value };
  };
  const title = `${c.title}, ${as}`;
  const at = (node: Node): Tensor64 => evaluated(node, values);
  const isFloat = out.type.dtype === "f32";

  const names = [...wrt.keys()];
  const gradients = names.map((n) => form(program, "grad", loss, wrt.get(n) as Node));
  const along = names.map((n) => table64(wrt.get(n) as Node));
  const other = names.map((n) => table64(wrt.get(n) as Node));
  // A random combination of all gradients is a scalar again.
  const slope = gradients.map((g, k) => sumOf(program, g, (other[k] as { node: Node }).node)).reduce((x, y) => builder.add(x, y));
  const hvps = names.map((n, k) => form(program, "hvp", loss, wrt.get(n) as Node, (along[k] as { node: Node }).node));
  const hvpsOther = names.map((n, k) => form(program, "hvp", loss, wrt.get(n) as Node, (other[k] as { node: Node }).node));
  const bend = hvps.map((h, k) => sumOf(program, h, (other[k] as { node: Node }).node)).reduce((x, y) => builder.add(x, y));
  const weight = table64(out);
  const jvps = isFloat ? names.map((n, k) => form(program, "jvp", out, wrt.get(n) as Node, (along[k] as { node: Node }).node)) : [];
  const back = isFloat ? names.map((n) => form(program, "grad", sumOf(program, out, weight.node), wrt.get(n) as Node)) : [];
  const third = as === "own" ? names.map((n) => form(program, "grad", bend, wrt.get(n) as Node)) : [];

  const parts = [[loss, out, slope, bend], gradients, names.map((n) => form(program, "grad", slope, wrt.get(n) as Node)), hvps, hvpsOther, jvps, back, third];
  const flat = derived(program, parts.flat(), pass);
  const starts = parts.map((_, k) => parts.slice(0, k).reduce((n, p) => n + p.length, 0));
  const [plain, first, second, hessian, hessianOther, forward, reverse, mixed] = parts.map((p, k) => flat.slice(starts[k], (starts[k] ?? 0) + p.length));
  const [value, result, slopeNode, bendNode] = plain as unknown as readonly [Node, Node, Node, Node];

  names.forEach((name, k) => {
    const [v, w] = [(along[k] as { value: Tensor64 }).value.data, (other[k] as { value: Tensor64 }).value.data];
    const moved = (node: Node, by: number): Float64Array => {
      const x = values.get(name) as Tensor64;
      return evaluated(node, new Map(values).set(name, { shape: x.shape, data: x.data.map((u, i) => u + by * (v[i] ?? 0)) })).data;
    };
    const difference = (node: Node): number[] => {
      const [up, down] = [moved(node, 1e-6), moved(node, -1e-6)];
      return Array.from(up, (u, i) => (u - (down[i] ?? 0)) / 2e-6);
    };
    const [g, h, ho] = [first?.[k], hessian?.[k], hessianOther?.[k]].map((n) => at(n as Node).data) as [Float64Array, Float64Array, Float64Array];
    if (name === unused) expect([...g, ...h].every((x) => x === 0), `${title} by what does not occur`).toBe(true);
    compare("first order", `${title} by ${name}`, g, differences(value, name, values));
    compare("second order", `${title} by ${name}`, at(second?.[k] as Node).data, differences(slopeNode, name, values));
    compare("hvp against differences of gradients", `${title} by ${name}`, h, difference(first?.[k] as Node));
    compare("the Hessian is symmetric", `${title} by ${name}`, [dot(w, h)], [dot(v, ho)], 1e-9, 1e-9);
    if (isFloat) {
      const j = at(forward?.[k] as Node).data;
      compare("jvp against differences of values", `${title} by ${name}`, j, difference(result));
      compare("forward is reverse transposed", `${title} by ${name}`, [dot(weight.value.data, j)], [dot(v, at(reverse?.[k] as Node).data)], 1e-9, 1e-9);
    }
    if (as === "own") compare("mixed third order", `${title} by ${name}`, at(mixed?.[k] as Node).data, differences(bendNode, name, values));
  });
}

describe.each(forms)("operands with leaves: %s", (as) => {
  // Other sizes are looked at in one form.
  it.each(cases.filter((c) => as === "own" || !c.resized).map((c) => [c.title, c] as const))("%s", (_, c) => check(c, as));
});

describe("the table", () => {
  it("has cases for every op; those without are handled by the driver, and tested with it", () => {
    const covered = new Set(all.map((c) => c.op));
    expect((Object.keys(table) as OpName[]).filter((op) => !covered.has(op))).toEqual(["leaf", "loop", "pick", "derive", "custom"]);
  });

  it("is really looked at: a hundredth more in the adjoint of any operand of any op is noticed", () => {
    const kept = new Map([...tally].map(([kind, t]) => [kind, { ...t }]));
    const unnoticed: string[] = [];
    for (const op of new Set(cases.filter((c) => c.op !== "mark").map((c) => c.op))) {
      const record = table[op] as unknown as OpRecord<OpName>;
      const rule = record.grad as (e: Emit, node: Node, g: Node) => readonly Adjoint[];
      for (let operand = 0; operand < 3; operand++) {
        let hasPath = false;
        const off = (e: Emit, node: Node, g: Node): readonly Adjoint[] => {
          const right = rule(e, node, g);
          const a = right[operand];
          if (a === undefined || a === noPath) return right;
          hasPath = true;
          return right.map((x, k) => (k === operand ? e.mul(a, e.like(a, 1.01)) : x));
        };
        const broken = differentiateBy({ ...table, [op]: { ...record, grad: off } } as OpTable);
        const noticed = cases.some((c) => {
          if (c.op !== op || c.resized) return false;
          try {
            check(c, "own", broken);
            return false;
          } catch {
            return true;
          }
        });
        if (hasPath && !noticed) unnoticed.push(`${op}, operand ${operand}`);
      }
    }
    expect(unnoticed).toEqual([]);
    for (const [kind, t] of kept) tally.set(kind, t);
  });

  it("has, for every op with derivatives that may have them, axes of one element and of none, and matrices that are not square", () => {
    const sizes = new Map<OpName, Set<string>>();
    for (const c of cases) {
      const of = sizes.get(c.op) ?? new Set();
      sizes.set(c.op, of);
      for (const { shape } of c.inputs) {
        for (const d of shape) of.add(Number(d) > 1 ? "more" : String(d));
        if (shape.length > 1 && new Set(shape).size > 1) of.add("not square");
      }
    }
    for (const [op, of] of sizes) expect([op, ...["0", "1", "more", "not square"].filter((s) => !of.has(s))]).toEqual([op]);
  });
});
