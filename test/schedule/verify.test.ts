/** The verifier finds what is wrong: each case is a sound schedule with one thing broken. */
import { describe, expect, it } from "vitest";
import type { Buffer, Nest, Schedule, Stmt } from "../../src/ir/kernel.ts";
import { constant, op, ref } from "../../src/ir/scalar.ts";
import { schedule } from "../../src/schedule/schedule.ts";
import { printSchedule } from "../../src/schedule/print-schedule.ts";
import { verifySchedule } from "../../src/schedule/verify-schedule.ts";
import { profile } from "./agree.ts";
import { xorStep } from "./xor-graph.ts";

const sound = (): Schedule => schedule(xorStep(), { capacity: { N: 4 }, profile });

/** The schedule with nest `at` changed. */
function withNest(s: Schedule, at: number, change: (n: Nest) => Nest): Schedule {
  return { ...s, nests: s.nests.map((n, i) => (i === at ? change(n) : n)) };
}

const edit = (body: readonly Stmt[], change: (s: Stmt) => Stmt): readonly Stmt[] =>
  body.map((s) => change(s.kind === "fold" || s.kind === "each" ? { ...s, body: edit(s.body, change) } : s));

describe("verifySchedule", () => {
  it("accepts what schedule makes, which is the same each time", () => {
    expect(() => verifySchedule(sound())).not.toThrow();
    expect(printSchedule(sound())).toBe(printSchedule(sound()));
  });

  it("finds a read before the write", () => {
    const s = sound();
    expect(() => verifySchedule({ ...s, nests: [...s.nests].reverse() })).toThrow(/before it is written|written by/);
  });

  it("finds a buffer that is not in the list", () => {
    const s = sound();
    expect(() => verifySchedule({ ...s, buffers: s.buffers.filter((b) => b.place !== "temp") })).toThrow(/not in the list/);
  });

  it("finds a second writer, and an input that is written", () => {
    const s = sound();
    expect(() => verifySchedule({ ...s, nests: [...s.nests, ...s.nests.slice(-1)] })).toThrow(/is written by/);
    const x = s.buffers.find((b) => b.place === "input") as Buffer;
    const spoiled = withNest(s, 0, (n) => ({ ...n, body: edit(n.body, (t) => (t.kind === "store" ? { ...t, buffer: x, index: constant(0, "i32") } : t)) }));
    expect(() => verifySchedule(spoiled)).toThrow(/writes the input/);
  });

  it("finds a value used outside its scope or defined twice", () => {
    const s = sound();
    expect(() => verifySchedule(withNest(s, 0, (n) => ({ ...n, body: n.body.slice(1) })))).toThrow(/outside its scope/);
    expect(() => verifySchedule(withNest(s, 0, (n) => ({ ...n, body: [...n.body.slice(0, 1), ...n.body] })))).toThrow(/twice/);
  });

  it("finds an access beyond its buffer that nothing guards", () => {
    const s = sound();
    const axis = s.nests[0]?.parallel[0]?.id ?? 0;
    const far = op("mul", "i32", [ref(axis, "i32"), constant(1000, "i32")]);
    const spoiled = withNest(s, 0, (n) => ({ ...n, body: edit(n.body, (t) => (t.kind === "load" ? { ...t, index: far } : t)) }));
    expect(() => verifySchedule(spoiled)).toThrow(/without a guard/);
  });

  it("finds a nest that reads other elements of what it writes", () => {
    const s = sound();
    const at = s.nests.findIndex((n) => n.body.some((t) => t.kind === "store" && t.buffer.place === "param"));
    const spoiled = withNest(s, at, (n) => ({ ...n, body: edit(n.body, (t) => (t.kind === "load" && t.buffer.place === "param" ? { ...t, index: constant(0, "i32") } : t)) }));
    expect(() => verifySchedule(spoiled)).toThrow(/other elements than it writes/);
  });

  it("finds an output or commit that is not produced", () => {
    const s = sound();
    expect(() => verifySchedule({ ...s, nests: s.nests.slice(0, -1) })).toThrow(/not committed/);
    expect(() => verifySchedule({ ...s, nests: [] })).toThrow(/not produced/);
  });
});
