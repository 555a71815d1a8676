/** The interpreter of kernels sees what a device may do either way: each fault is planted in a small kernel, beside the same kernel without it. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Buffer, Kernel, KernelStmt } from "../../../src/ir/kernel.ts";
import { builtin } from "../../../src/ir/kernel.ts";
import { constant, op, ref, type Scalar } from "../../../src/ir/scalar.ts";
import type { Placement } from "../../../src/memory/placement.ts";
import { checkCase } from "../check-case.ts";
import { recipes } from "../recipe.ts";
import { interpreter } from "./interpreter.ts";
import { Memory, poisons } from "./memory.ts";
import { type Order, runnable } from "./run-kernel.ts";

const int = (n: number): Scalar => constant(n, "i32");
const sum = (a: Scalar, b: Scalar): Scalar => op("add", "i32", [a, b]);
const lane = ref(builtin.localX, "i32");
const group = ref(builtin.workgroupX, "i32");
/** The number of an invocation among all. */
const place = sum(op("mul", "i32", [group, int(8)]), lane);
const [x, y] = ["x", "y"].map((name, id): Buffer => ({ id, name, dtype: "f32", shape: [16], elements: 16, place: "temp" })) as [Buffer, Buffer];
const load = (id: number, buffer: Buffer, index: Scalar): KernelStmt => ({ kind: "load", id, buffer, index });
const store = (buffer: Buffer, index: Scalar, value: Scalar): KernelStmt => ({ kind: "store", buffer, index, value });
const barrier = (scope: "workgroup" | "storage"): KernelStmt => ({ kind: "barrier", scope });
const when = (condition: Scalar, body: readonly KernelStmt[]): KernelStmt => ({ kind: "if", condition, body });

/** Two workgroups of eight over x and y, which lie one behind the other in a slab: what y holds then, in both orders, or what was wrong. */
function run(body: readonly KernelStmt[], groups = 2, written = 16): readonly (readonly number[] | string)[] {
  const launch = { size: 1, per: 1 };
  const kernel: Kernel = { name: "k", family: "test", workgroup: [8, 1, 1], grid: [launch, launch, launch], buffers: [x, y], reads: new Set(), writes: new Set(), params: [], body, nests: [] };
  const binding = (offset: number) => ({ slab: "temps", offset, bytes: 64, elem: "f32", elements: 16, access: "read_write" }) as const;
  const placement: Placement = { groups: [binding(0), binding(256)], of: new Map([[x, { group: 0 }], [y, { group: 1 }]]), params: [] };
  return (["forwards", "backwards"] as const).map((order: Order, k) => {
    const memory = new Memory({ store: 0, inputs: 0, outputs: 0, temps: 512 });
    memory.spoil(poisons[k] as number, ["temps"]);
    memory.put(3, 0, Array.from({ length: written }, (_, i) => i));
    memory.begin(kernel, placement, []);
    try {
      runnable(kernel, new Map())(memory, [], [groups, 1, 1], order);
    } catch (error) {
      return (error as Error).message;
    }
    return [...memory.get(3, 256, 16)];
  });
}

const counted = Array.from({ length: 16 }, (_, i) => i);
const isRight = (results: readonly (readonly number[] | string)[], wanted: readonly number[] = counted): boolean => results.every((r) => JSON.stringify(r) === JSON.stringify(wanted));

describe("the interpreter", () => {
  it("runs workgroups and lanes", () => {
    expect(isRight(run([load(1, x, place), store(y, place, ref(1))]))).toBe(true);
  });

  it("spoils what nobody wrote", () => {
    expect(isRight(run([load(1, x, place), store(y, place, ref(1))], 2, 15))).toBe(false);
    // Also where a comparison hides it.
    const chosen = op("select", "f32", [op("<", "bool", [ref(1), constant(100)]), constant(1), constant(1)]);
    expect(isRight(run([load(1, x, place), store(y, place, chosen)], 2, 15), counted.map(() => 1))).toBe(true);
    const differs = op("select", "f32", [op(">", "bool", [ref(1), constant(100)]), constant(2), constant(1)]);
    expect(isRight(run([load(1, x, place), store(y, place, differs)], 2, 15), counted.map(() => 1))).toBe(false);
  });

  it("keeps to the bounds of a buffer, not of what is bound with it", () => {
    expect(run([store(x, sum(place, int(1)), constant(1))])[0]).toBe("k (test): writes element 16 of x, which has 16");
    expect(run([store(x, sum(place, int(-1)), constant(1))])[0]).toBe("k (test): writes element -1 of x, which has 16");
    expect(isRight(run([load(1, x, sum(place, int(1))), store(y, place, ref(1))]), counted.map((i) => i + 1))).toBe(false);
    const guard = op("<", "bool", [place, int(15)]);
    expect(isRight(run([{ kind: "load", id: 1, buffer: x, index: sum(place, int(1)), guard }, store(y, place, ref(1))]), counted.map((i) => (i < 15 ? i + 1 : 0)))).toBe(true);
  });

  it("sees two that write one place", () => {
    const message = "k (test): two invocations write element 3 of y without a barrier between";
    const third = when(op("<", "bool", [lane, int(2)]), [store(y, int(3), constant(1))]);
    expect(run([third], 1)).toEqual([message, message]);
    expect(run([when(op("==", "bool", [lane, int(0)]), [store(y, int(3), constant(1))])], 2)).toEqual([message, message]);
  });

  it("sees one that reads what another writes, in the one order or the other", () => {
    const next = op("bitxor", "i32", [lane, int(1)]);
    const turned = counted.map((i) => (i < 8 ? i ^ 1 : Number.NaN));
    const exchange = (between: readonly KernelStmt[]): readonly KernelStmt[] => [load(1, x, lane), store(y, lane, ref(1)), ...between, load(2, y, next), ...between, store(y, lane, ref(2))];
    const results = (between: readonly KernelStmt[]) => run(exchange(between), 1).map((r) => (typeof r === "string" ? r : r.slice(0, 8)));
    expect(isRight(results([barrier("storage")]), turned.slice(0, 8))).toBe(true);
    expect(isRight(results([]), turned.slice(0, 8))).toBe(false);
    // A barrier of workgroup memory says nothing of storage.
    expect(isRight(results([barrier("workgroup")]), turned.slice(0, 8))).toBe(false);
    // No barrier makes one workgroup wait for another.
    const across: readonly KernelStmt[] = [load(1, x, place), store(y, place, ref(1)), barrier("storage"), load(2, y, op("bitxor", "i32", [place, int(8)])), barrier("storage"), store(x, place, ref(2))];
    expect(run([...across, barrier("storage"), load(3, x, place), store(y, place, ref(3))]).some((r) => isRight([r], counted.map((i) => i ^ 8)))).toBe(false);
  });

  it("gives each workgroup its own memory, spoiled, and sees races there", () => {
    const shared: KernelStmt = { kind: "shared", name: "s", dtype: "f32", elements: 8 };
    const write: KernelStmt = { kind: "write_shared", name: "s", index: lane, value: ref(1) };
    const read: KernelStmt = { kind: "read_shared", id: 2, name: "s", index: op("sub", "i32", [int(7), lane]), dtype: "f32" };
    const wanted = counted.map((i) => (i < 8 ? 7 - i : 23 - i));
    const body = (between: readonly KernelStmt[], by: KernelStmt = write): readonly KernelStmt[] => [shared, load(1, x, place), by, ...between, read, store(y, place, ref(2))];
    expect(isRight(run(body([barrier("workgroup")])), wanted)).toBe(true);
    expect(isRight(run(body([])), wanted)).toBe(false);
    expect(isRight(run(body([barrier("storage")])), wanted)).toBe(false);
    expect(isRight(run(body([barrier("workgroup")], when(op("<", "bool", [lane, int(7)]), [write]))), wanted)).toBe(false);
    expect(run(body([barrier("workgroup")], { ...write, index: sum(lane, int(1)) }))[0]).toBe("k (test): writes element 8 of s, which has 8");
    expect(run(body([barrier("workgroup")], { ...write, index: op("div", "i32", [lane, int(2)]) }))[0]).toMatch(/two invocations write element 0 of s/);
  });

  it("sees a barrier that some do not come to, and lanes that leave their step", () => {
    expect(run([when(op("<", "bool", [lane, int(4)]), [barrier("workgroup")])])[0]).toMatch(/wait at .* and end/);
    const swap = (by: number): KernelStmt => ({ kind: "let", id: 2, value: op("swap", "f32", [ref(1), int(by)]) });
    expect(isRight(run([load(1, x, place), swap(3), store(y, place, ref(2))]), counted.map((i) => i ^ 3))).toBe(true);
    expect(run([load(1, x, place), when(op("<", "bool", [lane, int(2)]), [swap(1)])])[0]).toMatch(/in step are at/);
  });

  it("finds nothing in random training steps, however they are compiled", { timeout: 120_000 }, async () => {
    let [compared, left] = [0, 0];
    const property = fc.asyncProperty(recipes(6), fc.nat({ max: 99_999 }), async (recipe, choice) => {
      const checked = await checkCase(interpreter, recipe, choice);
      compared += checked.elements;
      left += checked.left;
    });
    await fc.assert(property, { numRuns: 15, seed: 4 });
    expect(compared).toBeGreaterThan(30_000);
    expect(left).toBeLessThan(compared / 100);
  });
});
