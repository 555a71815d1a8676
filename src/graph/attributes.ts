/**
 * The attributes of a node as text: what stands between the op's name and its operands in printed graphs, and what
 * tells nodes of one op apart in a builder. Equal texts are equal attributes; numbers print so that they read back
 * exactly. `readAttributes` in read-attributes.ts is the inverse.
 *
 *     contract  [0,1] [1,2] -> [0,2]        view  [3, 2] <- [i1, i0]        const  0.5 : f32[2]
 */
import { printMap } from "../ir/access.ts";
import * as dims from "../ir/dims.ts";
import type { Node, OpAttrs, OpName } from "../ir/node.ts";
import { printShape, printType } from "../ir/types.ts";

type Printers = { readonly [K in OpName]: (attrs: OpAttrs[K]) => string };

const none = (): string => "";
const list = (values: readonly number[]): string => `[${values.join(",")}]`;
const text = (value: string): string => JSON.stringify(value);

const printers: Printers = {
  // The type is printed with every node, yet a builder needs it to tell a f32 zero from an i32 zero.
  const: ({ type, data }) => `${typeof data === "number" ? data : list(data)} as ${printType(type)}`,
  leaf: ({ kind, path, type }) => `${kind} ${text(path)} as ${printType(type)}`,
  size: ({ dim }) => `{${dims.print(dim)}}`,
  iota: ({ extent }) => `{${dims.print(extent)}}`,
  random: ({ shape, path, hash, word }) => `${printShape(shape)} ${text(path)} ${hash} ${word}`,
  neg: none, exp: none, log: none, log1p: none, expm1: none, sqrt: none, sin: none, cos: none, tanh: none, sigmoid: none, erf: none,
  floor: none, not: none, finite: none, add: none, mul: none, div: none, max: none,
  pow: ({ exponent }) => String(exponent),
  floordiv: none, mod: none,
  compare: ({ relation }) => relation,
  logic: ({ kind }) => kind,
  select: none,
  cast: ({ to }) => to,
  stop: none,
  mark: ({ id }) => text(id),
  reduce: ({ kind, axes }) => `${kind} ${list(axes)}`,
  argmax: ({ axis }) => String(axis),
  cumsum: ({ axis, reverse, exclusive }) => `${axis} ${reverse ? "reverse" : "forward"} ${exclusive ? "exclusive" : "inclusive"}`,
  argsort: ({ axis, descending }) => `${axis} ${descending ? "descending" : "ascending"}`,
  cholesky: none,
  triangular_solve: ({ lower }) => (lower ? "lower" : "upper"),
  contract: ({ a, b, out }) => `${list(a)} ${list(b)} -> ${list(out)}`,
  view: ({ map }) => `{${printMap(map)}}`,
  reshape: ({ shape }) => printShape(shape),
  concat: ({ axis }) => String(axis),
  gather: ({ batch }) => String(batch),
  scatter_sum: ({ batch, size }) => `${batch} ${size}`,
  loop: ({ trip, carries, slices, reverse }) => `${trip} ${carries} ${slices} ${reverse ? "reverse" : "forward"}`,
  pick: ({ index }) => String(index),
  derive: ({ kind }) => kind,
  custom: ({ name, rules }) => `${text(name)} ${rules}`,
};

/** The attributes in canonical text; a loop's without its body. */
export function printAttributes(node: Pick<Node, "op" | "attrs">): string {
  return attributeText(node.op, node.attrs as OpAttrs[OpName]);
}

/** The same for an op and its attributes apart. */
export function attributeText<K extends OpName>(op: K, attrs: OpAttrs[K]): string {
  return (printers[op] as (a: OpAttrs[K]) => string)(attrs);
}

/** What makes two nodes of one builder the same: op, attributes (with a loop's body) and the ids of the inputs. */
export function nodeKey<K extends OpName>(op: K, attrs: OpAttrs[K], inputs: readonly Node[]): string {
  let ids = "";
  for (const x of inputs) ids += `,${x.id}`;
  const key = `${op}|${attributeText(op, attrs)}|${ids}`;
  return op === "loop" ? `${key}|${(attrs as OpAttrs["loop"]).body.text}` : key;
}
