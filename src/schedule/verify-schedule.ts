/**
 * Checks a schedule apart from how it was made. Throws an InternalError unless
 *
 *   - every buffer is in the list, is written by one nest at most, and a temp or output is written before it is read;
 *   - inputs are never written, and a nest that reads what it writes reads the element it writes, or does so in turns;
 *   - within a nest every value has one definition and is used in its scope;
 *   - an access at a position made of axes alone lies within its buffer, unless it is guarded;
 *   - outputs and commits are produced.
 */
import type { Axis, Buffer, Nest, ParamSlot, Schedule, Stmt } from "../ir/kernel.ts";
import { partsOf } from "../ir/kernel.ts";
import type { Scalar } from "../ir/scalar.ts";
import { invariant } from "../support/diagnostic.ts";
import { keyOf } from "./index-form.ts";
import { loads, statements, stores } from "./order.ts";

const where = "verify schedule";

export function verifySchedule(schedule: Schedule): void {
  const known = new Set(schedule.buffers);
  invariant(new Set(schedule.buffers.map((b) => b.id)).size === known.size, where, "two buffers have one id");
  const parts = schedule.buffers.flatMap((b) => (b.place === "temp" ? (b.parts ?? []) : []));
  invariant(new Set(parts.map((p) => p.buffer)).size === parts.length, where, "a buffer lies in two arenas");
  for (const arena of schedule.buffers)
    for (const [k, { buffer, at }] of (arena.parts ?? []).entries()) {
      const end = arena.parts?.[k + 1]?.at ?? arena.elements;
      invariant(known.has(buffer) && at >= 0 && at + buffer.elements <= end, where, `${buffer.name} does not fit its arena ${arena.name}`);
    }
  const written = new Map<Buffer, Nest>();
  for (const nest of schedule.nests) {
    verifyScopes(nest);
    for (const load of loads(nest)) {
      const { buffer } = load;
      invariant(known.has(buffer), where, `nest ${nest.name} reads ${buffer.name}, which is not in the list`);
      const made = (buffer.place !== "temp" && buffer.place !== "output") || isOwn(nest, buffer);
      invariant(made || partsOf(buffer).every((b) => written.has(b)), where, `nest ${nest.name} reads ${buffer.name} before it is written`);
    }
    for (const store of stores(nest)) verifyStore(nest, store, known, written);
    for (const store of stores(nest)) for (const b of partsOf(store.buffer)) written.set(b, nest);
  }
  for (const { name, buffer } of schedule.outputs)
    invariant(buffer.elements === 0 || written.has(buffer), where, `output ${name} is not produced`);
  for (const { path, target } of schedule.commits)
    invariant(target.elements === 0 || written.has(target), where, `${path} is not committed`);
}

function verifyStore(nest: Nest, store: Extract<Stmt, { kind: "store" }>, known: ReadonlySet<Buffer>, written: ReadonlyMap<Buffer, Nest>): void {
  const { buffer, index } = store;
  invariant(known.has(buffer), where, `nest ${nest.name} writes ${buffer.name}, which is not in the list`);
  invariant(buffer.place !== "input", where, `nest ${nest.name} writes the input ${buffer.name}`);
  for (const b of partsOf(buffer)) invariant(!written.has(b), where, `${b.name} is written by ${written.get(b)?.name} and by ${nest.name}`);
  for (const load of loads(nest))
    invariant(
      load.buffer !== buffer || keyOf(load.index) === keyOf(index) || isOwn(nest, buffer),
      where,
      `nest ${nest.name} reads ${buffer.name} at other elements than it writes`,
    );
}

/** True when the nest touches the buffer within turns alone, and writes it: whatever it reads there, an earlier turn may have stored. */
function isOwn(nest: Nest, buffer: Buffer): boolean {
  const touches = (body: readonly Stmt[]): readonly Stmt[] => statements(body).filter((s) => (s.kind === "load" || s.kind === "store") && s.buffer === buffer);
  const inTurns = nest.body.flatMap((s) => (s.kind === "each" && s.turns ? touches(s.body) : []));
  return inTurns.some((s) => s.kind === "store") && inTurns.length === touches(nest.body).length;
}

function verifyScopes(nest: Nest): void {
  const defined = new Set<number>();
  const axes = new Map<number, Axis>();
  const define = (id: number, scope: Set<number>): void => {
    invariant(!defined.has(id), where, `nest ${nest.name} defines v${id} twice`);
    defined.add(id);
    scope.add(id);
  };
  const open = (axis: Axis, scope: Set<number>): void => {
    define(axis.id, scope);
    axes.set(axis.id, axis);
  };
  const use = (s: Scalar | undefined, scope: ReadonlySet<number>): void => {
    if (s?.kind === "ref") invariant(scope.has(s.id), where, `nest ${nest.name} uses v${s.id} outside its scope`);
    if (s?.kind === "param") invariant(nest.params[s.slot] !== undefined, where, `nest ${nest.name} has no parameter ${s.slot}`);
    if (s?.kind === "op" || s?.kind === "call") for (const a of s.args) use(a, scope);
  };
  const within = (buffer: Buffer, index: Scalar, guard: Scalar | undefined): void => {
    const range = guard ? undefined : rangeOverAxes(index, axes, nest.params);
    invariant(
      !range || (range[0] >= 0 && range[1] < buffer.elements),
      where,
      `nest ${nest.name} accesses ${buffer.name} of ${buffer.elements} elements at ${range?.join("..")} without a guard`,
    );
  };
  const block = (body: readonly Stmt[], scope: Set<number>): void => {
    for (const s of body) {
      if (s.kind === "let") {
        use(s.value, scope);
        define(s.id, scope);
      } else if (s.kind === "load") {
        use(s.index, scope);
        use(s.guard, scope);
        within(s.buffer, s.index, s.guard);
        define(s.id, scope);
      } else if (s.kind === "store") {
        for (const x of [s.index, s.value, s.guard]) use(x, scope);
        within(s.buffer, s.index, s.guard);
      } else if (s.kind === "fold") {
        const inner = new Set(scope);
        for (const a of s.axes) use(a.below, scope);
        for (const a of s.axes) open(a, inner);
        block(s.body, inner);
        use(s.value, inner);
        use(s.mask, inner);
        for (const r of s.results) define(r, scope);
      } else {
        const inner = new Set(scope);
        open(s.axis, inner);
        block(s.body, inner);
      }
    }
  };
  const outer = new Set<number>();
  for (const a of nest.parallel) open(a, outer);
  block(nest.body, outer);
}

/** The exact range of a sum of multiples of axes, each occurring once, and offsets; undefined for any other form. */
function rangeOverAxes(s: Scalar, axes: ReadonlyMap<number, Axis>, params: readonly ParamSlot[]): readonly [number, number] | undefined {
  const terms = new Map<number, number>();
  let constant = 0;
  const add = (x: Scalar, by: number): boolean => {
    const offset = x.kind === "param" ? params[x.slot]?.source : undefined;
    if (x.kind === "constant") constant += by * x.value;
    else if (offset?.kind === "offset") constant += by * offset.value;
    else if (x.kind === "ref" && axes.has(x.id)) terms.set(x.id, (terms.get(x.id) ?? 0) + by);
    else if (x.kind === "op" && x.op === "neg") return x.args.every((a) => add(a, -by));
    else if (x.kind === "op" && (x.op === "add" || x.op === "sub")) return x.args.every((a, i) => add(a, i === 1 && x.op === "sub" ? -by : by));
    else if (x.kind === "op" && x.op === "mul" && x.args[0] && x.args[1]?.kind === "constant") return add(x.args[0], by * x.args[1].value);
    else return false;
    return true;
  };
  if (!add(s, 1)) return undefined;
  let [low, high] = [constant, constant];
  for (const [id, k] of terms) {
    const reach = k * ((axes.get(id)?.capacity ?? 1) - 1);
    if (reach > 0) high += reach;
    else low += reach;
  }
  return [low, high];
}
