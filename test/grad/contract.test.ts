/** What the driver asks of a gradient rule, with rules broken on purpose: each breach is named, with its op. */
import { describe, expect, it } from "vitest";
import type { Emit } from "../../src/ir/emit.ts";
import type { Node } from "../../src/ir/node.ts";
import { Builder } from "../../src/graph/builder.ts";
import { differentiateBy } from "../../src/grad/differentiate.ts";
import { noPath } from "../../src/ops/op.ts";
import type { Adjoint, OpTable } from "../../src/ops/op.ts";
import { table } from "../../src/ops/table.ts";
import { InternalError, UserError } from "../../src/support/diagnostic.ts";
import { agree, graphWith, leaf, run } from "../graphs/values.ts";

type Rule = (e: Emit, node: Node, g: Node) => readonly Adjoint[];

/** Differentiates Σ x · sin(y) by x under a table in which `mul` has another rule. */
function under(rule: Rule | { readonly none: string }, kind: "grad" | "jvp" = "grad"): Float64Array | undefined {
  const broken: OpTable = { ...table, mul: { ...table.mul, grad: rule as (typeof table.mul)["grad"] } };
  const b = new Builder();
  const [x, y] = [leaf(b, "x", [3]), leaf(b, "y", [3])];
  const loss = b.reduce("sum", b.origin([{ source: { path: "t.dl", text: "x * y" }, start: 0, end: 5 }], undefined, () => b.mul(x, b.sin(y))), [0]);
  const form = b.make("derive", { kind }, kind === "grad" ? [loss, x] : [loss, x, y]);
  return run(differentiateBy(broken).run(graphWith(b, { d: form })), { x: [1, 2, 3], y: [1, 2, 3] })["d"]?.data;
}

const other = (n: Node, k: number): Node => n.inputs[1 - k] as Node;
const right: Rule = (e, n, g) => [e.mul(g, other(n, 0)), e.mul(g, other(n, 1))];

describe("the contract of a gradient rule", () => {
  it("accepts the right rule", () => agree(under(right), [1, 2, 3].map(Math.sin)));

  const breaches: readonly (readonly [string, Rule, RegExp])[] = [
    ["an entry is missing", (e, n, g) => [e.mul(g, other(n, 0))], /mul \(node \d+\) gave 1 entries for 2 inputs/],
    ["there is no list", () => undefined as never, /mul .* gave no entries/],
    ["an entry is undefined", (e, n, g) => [e.mul(g, other(n, 0)), undefined as never], /mul .* left the adjoint of input 1 undefined/],
    ["an entry has another shape", (e, n, g) => [e.reduce("sum", g, [0]), e.mul(g, other(n, 1))], /mul .* gave input 0 an adjoint of type f32 where the input is f32\[3\]/],
    ["an entry has another dtype", (e, _n, g) => [e.cast(g, "i32"), noPath], /mul .* gave input 0 an adjoint of type i32\[3\]/],
  ];
  it.each(breaches)("names it when %s", (_, rule, message) => {
    expect(() => under(rule)).toThrow(InternalError);
    expect(() => under(rule)).toThrow(message);
  });

  it("tells no path from zero", () => {
    expect([...(under((e, n) => [e.like(n, 0), noPath]) ?? [])]).toEqual([0, 0, 0]);
    agree(under((e, n, g) => [e.mul(g, other(n, 0)), noPath]), [1, 2, 3].map(Math.sin));
  });

  it("reports an operation without derivative as the user's error, where it stands", () => {
    const refuse = (): unknown => under({ none: "it is only a test" });
    expect(refuse).toThrow(UserError);
    expect(refuse).toThrow("mul has no derivative: it is only a test");
    try {
      refuse();
    } catch (error) {
      expect((error as UserError).diagnostic.span?.end).toBe(5);
    }
  });

  it("notices a rule that is not linear in its adjoint, in a forward derivative", () => {
    expect(() => under((e, n, g) => [e.mul(e.mul(g, g), other(n, 0)), noPath], "jvp")).toThrow(/not linear/);
  });
});
