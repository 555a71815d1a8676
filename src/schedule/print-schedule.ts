/**
 * A schedule as text: buffers, host scalars, nests, commits. Equal schedules print equal texts; node numbers do not
 * occur. With `why`, each nest is preceded by the reasons for its grouping.
 *
 *     nest tanh: contract
 *       parallel i0 in N (cap 64), i1 in 4
 *         v5 = fold sum r0 in 2 { v3 = load %0[i0*2 + r0]; v4 = load %1[r0*4 + i1] } v3 * v4
 *         store %2[i0*4 + i1] = tanh(v5)
 */
import * as dims from "../ir/dims.ts";
import type { Axis, Buffer, Nest, ParamSlot, Schedule, Stmt } from "../ir/kernel.ts";
import type { Scalar, ScalarOp } from "../ir/scalar.ts";
import { printShape } from "../ir/types.ts";
import { Writer } from "../support/text.ts";
import { printHostScalar } from "./host-scalars.ts";

export function printSchedule(schedule: Schedule, options: { readonly why?: boolean } = {}): string {
  const w = new Writer();
  w.line(`schedule ${schedule.entry}`);
  const numbers = new Map(schedule.buffers.map((b, i) => [b, i]));
  const name = (b: Buffer): string => `b${numbers.get(b) ?? "?"}`;
  w.indent(() => {
    for (const b of schedule.buffers) w.line(`${name(b)} = ${b.place} ${JSON.stringify(b.name)} : ${b.half ? "f16" : b.dtype}${printShape(b.shape)}`);
    schedule.host.forEach((h, i) => w.line(`host ${printHostScalar(h, i)}`));
    for (const nest of schedule.nests) printNest(w, nest, name, options.why === true);
    for (const o of schedule.outputs) w.line(`output ${JSON.stringify(o.name)} (${o.kind}) = ${name(o.buffer)}`);
    for (const c of schedule.commits) w.line(`commit ${JSON.stringify(c.path)} = ${name(c.value)}`);
  });
  return w.text();
}

function printNest(w: Writer, nest: Nest, name: (b: Buffer) => string, why: boolean): void {
  if (why) for (const line of nest.why) w.line(`// ${line}`);
  w.line(`nest ${nest.name}: ${nest.shape}`);
  const names = new Map<number, string>();
  const text = (s: Scalar): string => printScalar(s, nest.params, names);
  const axis = (a: Axis): string => {
    names.set(a.id, a.name);
    return `${a.name} in ${dims.print(a.extent)}${dims.isStatic(a.extent) ? "" : ` (cap ${a.capacity})`}${a.below ? ` below ${text(a.below)}` : ""}`;
  };
  const block = (body: readonly Stmt[]): void => {
    for (const s of body) {
      switch (s.kind) {
        case "let":
          w.line(`v${s.id} = ${text(s.value)}`);
          break;
        case "load":
          w.line(`v${s.id} = load ${name(s.buffer)}[${text(s.index)}]${s.guard ? ` when ${text(s.guard)}` : ""}`);
          break;
        case "store":
          w.line(`store ${name(s.buffer)}[${text(s.index)}] = ${text(s.value)}${s.guard ? ` when ${text(s.guard)}` : ""}`);
          break;
        case "fold":
          w.line(`${s.results.map((r) => `v${r}`).join(", ")} = fold ${s.monoid} ${s.axes.map(axis).join(", ")}`);
          w.indent(() => {
            block(s.body);
            w.line(`yield ${text(s.value)}${s.mask ? ` when ${text(s.mask)}` : ""}`);
          });
          break;
        case "each":
          w.line(`${s.turns ? "turns" : "each"} ${axis(s.axis)}`);
          w.indent(() => block(s.body));
      }
    }
  };
  w.indent(() => {
    if (nest.parallel.length > 0) w.line(`parallel ${nest.parallel.map(axis).join(", ")}`);
    block(nest.body);
  });
}

const infix: Partial<Readonly<Record<ScalarOp, string>>> = {
  add: "+", sub: "-", mul: "*", div: "/", mod: "%", and: "&&", or: "||", shl: "<<", shr: ">>", bitand: "&", bitor: "|", bitxor: "^",
  "==": "==", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">=",
};

/** A scalar as a formula; parameters print as what they hold. */
export function printScalar(s: Scalar, params: readonly ParamSlot[], names: ReadonlyMap<number, string>): string {
  const print = (x: Scalar): string => printScalar(x, params, names);
  const inner = (x: Scalar): string => (x.kind === "op" && infix[x.op] ? `(${print(x)})` : print(x));
  switch (s.kind) {
    case "constant":
      return s.dtype === "bool" ? (s.value === 0 ? "false" : "true") : String(s.value);
    case "ref":
      return names.get(s.id) ?? `v${s.id}`;
    case "param":
      return printParam(params[s.slot]);
    case "call":
      return `${s.fn.name}(${s.args.map(print).join(", ")})`;
    case "op": {
      const sign = infix[s.op];
      if (sign) return s.args.map(inner).join(` ${sign} `);
      const kind = s.op === "cast" || s.op === "bitcast" ? ` ${s.dtype}` : "";
      return `${s.op}${kind}(${s.args.map(print).join(", ")})`;
    }
  }
}

function printParam(slot: ParamSlot | undefined): string {
  switch (slot?.source.kind) {
    case "size":
      return dims.print(slot.source.dim);
    case "constant":
      return `const ${slot.source.value}`;
    case "offset":
      return `offset ${slot.source.value}`;
    case "host":
      return `host %${slot.source.index}`;
    case "word":
      return slot.source.word;
    case "base":
      return `base ${slot.source.buffer.name}`;
    case undefined:
      return "?";
  }
}
