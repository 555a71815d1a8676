/**
 * A node in tensor notation. In: the node and how its operands are written. Out: the node, written. Products of matrices
 * are `A @ B`, transposes `Aᵀ`; stretched operands stand bare, as in a program. What is neither is read by index: `x[i, j + 2]`
 * is the value at which place i, j looks, `sum[k] a[i, k] * b[k]` a sum of products.
 *
 *     contract [0,1] [0,2] -> [1,2] (x, d)     xᵀ @ d
 */
import type { AccessMap, Affine } from "../ir/access.ts";
import * as dims from "../ir/dims.ts";
import type { Node, NodeOf } from "../ir/node.ts";
import { printShape } from "../ir/types.ts";
import { printAttributes } from "../graph/attributes.ts";
import { axisNames } from "../simplify/match.ts";
import { recognise } from "./recognise.ts";
import { closedPiece, levels, linear, over, piece, power, sum, times, within, written, type Piece, type Written } from "./written.ts";

/** What a node's text is made of, and the text over theirs. */
export interface NodeForm {
  readonly parts: readonly Node[];
  readonly write: (parts: readonly Written[]) => Written;
}

const letters = ["i", "j", "k", "l", "m", "n"];
const letter = (axis: number): string => letters[axis] ?? `i${axis}`;

/** How the node is written, and over which nodes. */
export function formOf(node: Node): NodeForm {
  const known = recognise(node);
  if (known) {
    const axis = known.axis === undefined ? "" : `, axis = ${known.axis}`;
    return { parts: known.of, write: (of) => written(closedPiece(`${known.name}(${[...of.map((x) => piece(x).text), ...(known.with ?? [])].join(", ")}${axis})`)) };
  }
  return quotientChain(node) ?? { parts: node.inputs, write: (parts) => writeNode(node, parts) };
}

/** (x / y) / z is computed so, since f32 may not hold y z, and read as x / (y z). */
function quotientChain(node: Node): NodeForm | undefined {
  const below: Node[] = [];
  let x = node;
  for (; x.op === "div"; x = x.inputs[0] as Node) below.unshift(x.inputs[1] as Node);
  if (below.length < 2) return undefined;
  const write = ([of, ...by]: readonly Written[]): Written => {
    const under = (scalar: boolean): Written | undefined => by.filter((_, k) => isScalar(below[k] as Node) === scalar).reduce<Written | undefined>((p, w) => (p ? times(p, w) : w), undefined);
    const [varying, scalar] = [under(false), under(true)];
    const value = varying ? over(of as Written, varying, false) : (of as Written);
    return scalar ? over(value, scalar, true) : value;
  };
  return { parts: [x, ...below], write };
}

function writeNode(node: Node, parts: readonly Written[]): Written {
  const [x, y] = parts as readonly [Written, Written];
  const called = (name: string): Written => written(closedPiece(`${name}(${parts.map((p) => piece(p).text).join(", ")})`));
  switch (node.op) {
    case "const":
      return typeof node.attrs.data === "number" ? written(undefined, node.attrs.data) : written(closedPiece(node.attrs.data.length > 8 ? `[${node.attrs.data.slice(0, 8).join(", ")}, …]` : `[${node.attrs.data.join(", ")}]`));
    case "leaf":
      return written(closedPiece(node.attrs.path));
    case "size": {
      const text = dims.print(node.attrs.dim);
      // 2*N is 2 times N, so that a 2 above it is seen to cancel.
      const [, times = "1", symbol] = /^(?:(\d+)\*)?([\p{L}_][\p{L}\p{N}_]*)$/u.exec(text) ?? [];
      return symbol === undefined ? written({ text, level: levels.sum }) : written(closedPiece(symbol), Number(times));
    }
    case "iota":
      return written(closedPiece(`(0..${dims.print(node.attrs.extent)})`));
    case "neg":
      return { ...x, scale: -x.scale };
    case "add":
      return sum(parts);
    case "mul":
      return times(x, y);
    case "div":
      return over(x, y, isScalar(node.inputs[1] as Node));
    case "pow":
      return written(power(piece(x), node.attrs.exponent));
    case "sigmoid": {
      const minus = node.inputs[0]?.op === "neg";
      // σ(-x) = 1 - σ(x), as derivatives of σ are read.
      return minus ? written({ text: `1 - sigmoid(${piece({ ...x, scale: -x.scale }).text})`, level: levels.sum }) : called("sigmoid");
    }
    case "compare":
      return written({ text: `${within(piece(x), levels.sum)} ${node.attrs.relation} ${within(piece(y), levels.sum)}`, level: levels.comparison });
    case "logic":
      return written({ text: `${within(piece(x), levels.sum)} ${node.attrs.kind} ${within(piece(y), levels.sum)}`, level: 0 });
    case "select":
      return called("where");
    case "cast":
      return node.inputs[0]?.op === "size" ? x : called(node.attrs.to);
    case "mark":
    case "stop":
      return node.op === "stop" ? called("stop_gradient") : x;
    case "view":
      return view(node, x);
    case "reshape":
      return linear(x, (body) => closedPiece(`reshape(${body.text}, ${printShape(node.attrs.shape)})`));
    case "reduce":
      return reduce(node, parts);
    case "contract":
      return contract(node, x, y);
    case "gather":
      return gather(node, x, y);
    case "cumsum": {
      const { axis, reverse, exclusive } = node.attrs;
      return linear(x, (body) => closedPiece(`cumsum(${[body.text, ...along(node, axis), ...(reverse ? ["reverse = true"] : []), ...(exclusive ? ["exclusive = true"] : [])].join(", ")})`));
    }
    case "argsort":
      return written(closedPiece(`argsort(${[piece(x).text, ...along(node, node.attrs.axis), ...(node.attrs.descending ? ["descending = true"] : [])].join(", ")})`));
    case "triangular_solve":
      return linear(y, (body) => closedPiece(`triangular_solve(${[piece(x).text, body.text, ...(node.attrs.lower ? [] : ["lower = false"])].join(", ")})`));
    case "pick": {
      const { index } = node.attrs;
      const loop = node.inputs[0] as Node;
      const carries = loop.op === "loop" ? loop.attrs.carries : 0;
      return written(closedPiece(`${piece(x).text}.${index < carries ? `carry${index}` : `row${index - carries}`}`));
    }
    case "concat":
      return written(closedPiece(`concat(${parts.map((p) => piece(p).text).join(", ")}, axis = ${node.attrs.axis})`));
    default: {
      const attributes = node.op === "loop" ? "" : printAttributes(node);
      return called(attributes === "" || node.op === "random" ? node.op : `${node.op}{${attributes}}`);
    }
  }
}

/** `axis = 0`, where it is not the last. */
function along(node: Node, axis: number): readonly string[] {
  return axis === node.type.shape.length - 1 ? [] : [`axis = ${axis}`];
}

/** One number for all elements. */
function isScalar(node: Node): boolean {
  if (node.type.shape.length === 0 || (node.op === "const" && typeof node.attrs.data === "number")) return true;
  return node.op === "view" && node.inputs[0]?.type.shape.length === 0 && node.attrs.map.guards.length === 0;
}

function view(node: NodeOf<"view"> & Node, x: Written): Written {
  const { map } = node.attrs;
  const of = (node.inputs[0] as Node).type.shape;
  const names = axisNames(map, of);
  const rank = map.shape.length;
  if (isStretched(map, of)) return x;
  if (names && names.length === 2 && rank === 2) return linear(x, (body) => closedPiece(`${within(body, levels.closed)}ᵀ`));
  return linear(x, (body) => closedPiece(`${within(body, levels.closed)}${indexText(map)}`));
}

/** Stretched as operands of a program are: aligned on the right, sizes of 1 repeated. */
function isStretched(map: AccessMap, of: readonly dims.Dim[]): boolean {
  const rank = map.shape.length;
  if (map.guards.length > 0) return false;
  return map.index.every(({ numerator, divisor }, a) => {
    const axis = rank - of.length + a;
    const [extent, target] = [of[a] as dims.Dim, map.shape[axis]];
    if (divisor !== 1 || numerator.c !== 0) return false;
    const moves = numerator.k.some((k) => k !== 0);
    return moves ? target !== undefined && dims.equal(extent, target) && numerator.k.every((k, at) => k === (at === axis ? 1 : 0)) : extent === 1;
  });
}

/** `[i, j + 2]`, and where it holds if not everywhere. */
function indexText(map: AccessMap): string {
  const form = (f: Affine): string => {
    const terms = f.k.flatMap((k, axis) => (k === 0 ? [] : [{ negative: k < 0, text: Math.abs(k) === 1 ? letter(axis) : `${Math.abs(k)}*${letter(axis)}` }]));
    const c = dims.print(f.c);
    const all = c === "0" && terms.length > 0 ? terms : [...terms, { negative: c.startsWith("-"), text: c.replace(/^-/, "") }];
    return all.map((t, at) => (at === 0 ? `${t.negative ? "-" : ""}${t.text}` : ` ${t.negative ? "-" : "+"} ${t.text}`)).join("");
  };
  const index = map.index.map((c) => (c.divisor === 1 ? form(c.numerator) : `(${form(c.numerator)}) // ${c.divisor}`)).join(", ");
  const guards = map.guards.map((g) => `${form(g.value)} ${guardRelation(g)}`);
  return guards.length === 0 ? `[${index}]` : `[${index} where ${guards.join(" and ")}]`;
}

function guardRelation(guard: AccessMap["guards"][number]): string {
  return guard.kind === "nonnegative" ? ">= 0" : `divisible by ${guard.by}`;
}

function reduce(node: NodeOf<"reduce"> & Node, parts: readonly Written[]): Written {
  const { kind, axes } = node.attrs;
  const [x, mask] = parts as readonly [Written, Written?];
  const rank = (node.inputs[0] as Node).type.shape.length;
  const along = axes.length === rank ? "" : axes.length === 1 ? `, axis = ${axes[0]}` : `, axis = (${axes.join(", ")})`;
  const where = mask ? `, where = ${piece(mask).text}` : "";
  const text = (body: Piece): Piece => closedPiece(`${kind}(${body.text}${along}${where})`);
  return kind === "sum" ? linear(x, text) : written(text(piece(x)));
}

/** x[i, y[i]]; E[ids]. */
function gather(node: NodeOf<"gather"> & Node, x: Written, ids: Written): Written {
  const { batch } = node.attrs;
  const [from, index] = node.inputs as unknown as readonly [Node, Node];
  const around = Array.from({ length: batch }, (_, a) => letter(a));
  const own = Array.from({ length: index.type.shape.length - batch }, (_, a) => letter(batch + a));
  const rest = from.type.shape.length - batch - 1;
  const at = batch === 0 ? piece(ids).text : `${within(piece(ids), levels.closed)}[${[...around, ...own].join(", ")}]`;
  return linear(x, (body) => closedPiece(`${within(body, levels.closed)}[${[...around, at, ...(batch > 0 ? Array.from({ length: rest }, (_, a) => letter(batch + own.length + a)) : [])].join(", ")}]`));
}

function contract(node: NodeOf<"contract"> & Node, x: Written, y: Written): Written {
  const { a, b, out } = node.attrs;
  const scalars: Written = times({ ...x, body: undefined }, { ...y, body: undefined });
  const [left, right] = [x.body ?? closedPiece("1"), y.body ?? closedPiece("1")];
  const body = matrixText(a, b, out, left, right) ?? indexedText(a, b, out, left, right);
  return { ...scalars, body };
}

/** A @ B with transposes, x · y, the sum of a product. */
function matrixText(a: readonly number[], b: readonly number[], out: readonly number[], x: Piece, y: Piece): Piece | undefined {
  const same = (p: readonly number[], q: readonly number[]): boolean => p.length === q.length && p.every((v, i) => v === q[i]);
  if (same(a, b) && a.length > 0 && out.every((o, i) => o === a[i])) {
    const axes = a.slice(out.length);
    const product = x.text === y.text ? power(x, 2).text : `${within(x, levels.product)} * ${within(y, levels.prefix)}`;
    return closedPiece(out.length === 0 ? `sum(${product})` : axes.length === 1 ? `sum(${product}, axis = ${out.length})` : `sum(${product}, axis = (${axes.map((_, k) => out.length + k).join(", ")}))`);
  }
  // Leading axes that both have, or the first alone, are batches of matrices.
  const both = batchOf(a, b, out);
  const rows = b.length <= 2 && both === 0 ? Math.max(0, a.length - 2) : both;
  if (!same(a.slice(0, rows), out.slice(0, rows))) return undefined;
  const [p, q, o] = [a.slice(rows), b.slice(both), out.slice(rows)];
  const shared = p.find((l) => q.includes(l));
  if (p.length > 2 || q.length > 2 || shared === undefined || out.includes(shared) || o.length !== p.length + q.length - 2) return undefined;
  const [row, column] = [p.find((l) => l !== shared), q.find((l) => l !== shared)];
  if (row !== undefined && row === column) return undefined;
  const flipped = o.length === 2 && o[0] === column;
  // Flipped, a batch of the first alone would come to stand second.
  if (rows > 0 && (rows !== both && flipped || row === undefined || column === undefined)) return undefined;
  const [first, second, firstLabels, secondLabels] = flipped ? [y, x, q, p] : [x, y, p, q];
  const left = firstLabels.length === 2 && firstLabels[1] !== shared ? `${within(first, levels.closed)}ᵀ` : within(first, levels.matrix);
  const right = secondLabels.length === 2 && secondLabels[0] !== shared ? `${within(second, levels.closed)}ᵀ` : within(second, levels.prefix);
  return { text: `${left} @ ${right}`, level: levels.matrix };
}

/** How many leading labels both operands and the result share. */
function batchOf(a: readonly number[], b: readonly number[], out: readonly number[]): number {
  let n = 0;
  while (n < a.length && n < b.length && a[n] === b[n] && a[n] === out[n]) n++;
  return n;
}

/** sum[k] a[i, k] * b[k, j]. */
function indexedText(a: readonly number[], b: readonly number[], out: readonly number[], x: Piece, y: Piece): Piece {
  const order = [...out, ...new Set([...a, ...b].filter((l) => !out.includes(l)))];
  const name = (label: number): string => letter(order.indexOf(label));
  const at = (p: Piece, labels: readonly number[]): string => (labels.length === 0 ? within(p, levels.prefix) : `${within(p, levels.closed)}[${labels.map(name).join(", ")}]`);
  const summed = order.slice(out.length).map(name);
  const product = `${at(x, a)} * ${at(y, b)}`;
  return summed.length === 0 ? { text: product, level: levels.product } : { text: `(sum[${summed.join(", ")}] ${product})`, level: levels.closed };
}
