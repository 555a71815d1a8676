/**
 * Nests that differ in nothing but where their accesses begin get those beginnings as parameters: their kernels then have one text, and
 * one pipeline. Comes in: nests in order. Goes out: the same, some with further parameters.
 *
 *     turn 3 of a loop:   load x[b*64 + 3],  store y[b*64 + 7]     ->     load x[b*64 + p0],  store y[b*64 + p0 + 4]     p0 = 3
 *     turn 4:             load x[b*64 + 4],  store y[b*64 + 8]     ->     the same                                       p0 = 4
 *
 * Positions that keep their distance in all such nests share a parameter, so equal positions stay equal. Offsets that are multiples of four
 * are said to be so, since four neighbours may then be read at once.
 */
import type { Buffer, Nest, ParamSlot, Stmt } from "../ir/kernel.ts";
import { constant, op } from "../ir/scalar.ts";
import type { Scalar } from "../ir/scalar.ts";
import { NestKeys } from "./nest-key.ts";

/** A nest without the numbers that its positions end with, as text, and those numbers in order. */
interface Described {
  readonly nest: Nest;
  readonly key: string;
  readonly offsets: readonly number[];
}

/** Equal nests over other offsets, as nests over parameters. */
export function offsetsApart(nests: readonly Nest[]): readonly Nest[] {
  const keys = new NestKeys();
  const kinds = new Map<string, Described[]>();
  const described = nests.map((nest) => {
    const one = describe(nest, keys);
    const kind = kinds.get(one.key);
    if (kind) kind.push(one);
    else kinds.set(one.key, [one]);
    return one;
  });
  const plans = new Map([...kinds.values()].map((kind) => [kind[0]?.key, planFor(kind)] as const));
  return described.map((one) => {
    const plan = plans.get(one.key);
    return plan ? rewritten(one, plan) : one.nest;
  });
}

/** For each position which of the offsets it is counted from, and in what unit; undefined where it is the same in all nests. */
type Plan = readonly ({ readonly leader: number; readonly unit: 1 | 4 } | undefined)[];

function planFor(kind: readonly Described[]): Plan | undefined {
  const [first, ...others] = kind;
  if (!first || others.length === 0) return undefined;
  // How far a position lies from where the first nest has it, nest by nest.
  const moves = first.offsets.map((at, k) => others.map((o) => (o.offsets[k] ?? 0) - at).join());
  const fixed = others.map(() => 0).join();
  const leaders = new Map<string, number>();
  const plan = moves.map((move, k) => {
    if (move === fixed) return undefined;
    const leader = leaders.get(move) ?? k;
    leaders.set(move, leader);
    return { leader, unit: kind.every((d) => (d.offsets[leader] ?? 0) % 4 === 0) ? 4 as const : 1 as const };
  });
  return leaders.size > 0 ? plan : undefined;
}

function rewritten({ nest, offsets }: Described, plan: Plan): Nest {
  const params: ParamSlot[] = [...nest.params];
  const slots = new Map<number, number>();
  for (const p of plan)
    if (p && !slots.has(p.leader)) slots.set(p.leader, params.push({ dtype: "i32", source: { kind: "offset", value: (offsets[p.leader] ?? 0) / p.unit } }) - 1);
  let at = 0;
  const position = (index: Scalar): Scalar => {
    const k = at++;
    const { leader = -1, unit } = plan[k] ?? {};
    const slot = slots.get(leader);
    if (slot === undefined) return index;
    const param: Scalar = { kind: "param", dtype: "i32", slot };
    const start = unit === 4 ? op("mul", "i32", [param, constant(4, "i32")]) : param;
    const { rest } = taken(index);
    const from = rest ? op("add", "i32", [rest, start]) : start;
    const distance = (offsets[k] ?? 0) - (offsets[leader] ?? 0);
    return distance === 0 ? from : op("add", "i32", [from, constant(distance, "i32")]);
  };
  return { ...nest, params, body: withPositions(nest.body, position) };
}

/** The statements with other positions, which are asked for in order. */
function withPositions(body: readonly Stmt[], position: (index: Scalar) => Scalar): readonly Stmt[] {
  return body.map((s) => {
    if (s.kind === "load" || s.kind === "store") return { ...s, index: position(s.index) };
    return s.kind === "let" ? s : { ...s, body: withPositions(s.body, position) };
  });
}

/** A position as a number and what it is added to: none for a number alone. */
function taken(index: Scalar): { readonly rest: Scalar | undefined; readonly offset: number } {
  if (index.kind === "constant") return { rest: undefined, offset: index.value };
  const [rest, by] = index.kind === "op" && (index.op === "add" || index.op === "sub") ? index.args : [];
  if (index.kind !== "op" || !rest || by?.kind !== "constant") return { rest: index, offset: 0 };
  return { rest, offset: index.op === "add" ? by.value : -by.value };
}

function describe(nest: Nest, keys: NestKeys): Described {
  const offsets: number[] = [];
  const numbers = new Map<Buffer, number>();
  const key = keys.of(nest, {
    buffer: (buffer) => {
      const known = numbers.get(buffer);
      if (known !== undefined) return String(known);
      numbers.set(buffer, numbers.size);
      return `${buffer.dtype} ${buffer.elements} ${buffer.place}`;
    },
    position: (index) => {
      const { rest, offset } = taken(index);
      offsets.push(offset);
      return rest ?? nowhere;
    },
    params: nest.params,
  });
  return { nest, key, offsets };
}

const nowhere = constant(0, "i32");
