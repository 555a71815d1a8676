/**
 * Formulas in the making. A value is written as a number times scalars over scalars times a body, since whatever is linear
 * (a sum, a matrix product, a transpose) lets numbers and scalars through: they come to stand where a textbook has them.
 *
 *     { scale: 2, above: [], below: ["N"], body: "xᵀ @ (x @ W - y)" }      2 * xᵀ @ (x @ W - y) / N
 */

/** How tightly a text's outermost operator binds. */
export const levels = { comparison: 1, sum: 2, product: 3, matrix: 3.5, prefix: 4, power: 5, closed: 6 } as const;

/** One term of a sum. */
interface SumTerm {
  readonly negative: boolean;
  readonly text: string;
}

/** A piece of a formula. */
export interface Piece {
  readonly text: string;
  readonly level: number;
  /** Of a sum: its terms, so that a sum around it can take them in. */
  readonly terms?: readonly SumTerm[];
}

/** scale · Π above / Π below · body; no body stands for 1. */
export interface Written {
  readonly scale: number;
  readonly above: readonly Piece[];
  readonly below: readonly Piece[];
  readonly body: Piece | undefined;
}

/** A closed piece: a name, a call, what is in brackets. */
export function closedPiece(text: string): Piece {
  return { text, level: levels.closed };
}

/** A value that is nothing but this piece. */
export function written(body: Piece | undefined, scale = 1): Written {
  return { scale, above: [], below: [], body };
}

/** The piece, in parentheses unless it binds at least as tightly. */
export function within(piece: Piece, level: number): string {
  return piece.level < level ? `(${piece.text})` : piece.text;
}

/** A number as people write it: small fractions as such, else six digits. */
export function numberText(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return String(value);
  for (let q = 2; q <= 12; q++) {
    const p = Math.round(value * q);
    if (p !== 0 && Math.abs(p) < 100 && q !== 10 && q !== 5 && Math.abs(value * q - p) < 1e-12 && String(value).length > 6) return `${p}/${q}`;
  }
  return String(Number(value.toPrecision(6)));
}

/** The whole as one piece. */
export function piece(w: Written): Piece {
  const { scale, above, below, body } = w;
  if (scale === 0) return closedPiece("0");
  const size = Math.abs(scale);
  const inner = [...above, ...(body ? [body] : [])];
  const number = size === 1 && inner.length > 0 ? [] : [numberText(size)];
  if (scale === 1 && above.length === 0 && below.length === 0 && body) return body;
  const fraction = number[0]?.includes("/") ?? false;
  // A fraction stands in parentheses where something follows, since a / b * c is read as it stands.
  const factors = [...number.map((n) => (fraction && inner.length + below.length > 0 ? `(${n})` : n)), ...inner.map((p, k) => within(p, k === inner.length - 1 && p === body ? levels.product : levels.prefix))];
  const under = below.length === 0 ? "" : ` / ${below.length === 1 ? within(below[0] as Piece, levels.prefix) : `(${below.map((p) => within(p, levels.prefix)).join(" * ")})`}`;
  const text = `${factors.join(" * ")}${under}`;
  // What got parentheses above needs none in front of a minus.
  const level = inner[0]?.level ?? levels.closed;
  const alone = factors.length === 1 && under === "" ? (level < levels.product ? levels.closed : level) : levels.product;
  return scale < 0 ? { text: `-${alone < levels.product ? `(${text})` : text}`, level: levels.prefix } : { text, level: fraction && factors.length === 1 ? levels.product : alone };
}

/** a · b, element by element. */
export function times(a: Written, b: Written): Written {
  const body = !a.body ? b.body : !b.body ? a.body : productOf(a.body, b.body);
  return { scale: a.scale * b.scale, above: [...a.above, ...b.above], below: [...a.below, ...b.below], body };
}

/** The product of two pieces; of one with itself its square. */
function productOf(a: Piece, b: Piece): Piece {
  if (a.text === b.text) return power(a, 2);
  return { text: `${within(a, levels.product)} * ${within(b, levels.prefix)}`, level: levels.product };
}

const superscripts: Readonly<Record<string, string>> = { 2: "²", 3: "³", 4: "⁴" };

/** xⁿ. */
export function power(x: Piece, exponent: number): Piece {
  const short = superscripts[String(exponent)];
  const base = within(x, levels.closed);
  return { text: short ? `${base}${short}` : `${base}^${exponent < 0 ? `(${numberText(exponent)})` : numberText(exponent)}`, level: levels.power };
}

/** a / b; `scalar` says that b is one number for all elements. */
export function over(a: Written, b: Written, scalar: boolean): Written {
  if (scalar) return { scale: a.scale / b.scale, above: [...a.above, ...b.below], below: [...a.below, ...b.above, ...(b.body ? [b.body] : [])], body: a.body };
  const above = a.body ? within(a.body, levels.product) : "1";
  const body: Piece = b.body ? { text: `${above} / ${within(b.body, levels.prefix)}`, level: levels.product } : (a.body ?? closedPiece("1"));
  return { scale: a.scale / b.scale, above: [...a.above, ...b.below], below: [...a.below, ...b.above], body };
}

/** The sum of values; those that are added come before those that are taken away. */
export function sum(values: readonly Written[]): Written {
  const terms = values.flatMap((w): readonly SumTerm[] => {
    if (w.scale === 0) return [];
    const p = piece(w);
    if (p.terms) return p.terms;
    const negative = w.scale < 0;
    const positive = piece({ ...w, scale: Math.abs(w.scale) });
    return [{ negative, text: within(positive, levels.product) }];
  });
  const ordered = [...terms.filter((t) => !t.negative), ...terms.filter((t) => t.negative)];
  const [first, ...rest] = ordered;
  if (!first) return written(undefined, 0);
  if (rest.length === 0) return written({ text: first.text, level: levels.product }, first.negative ? -1 : 1);
  // Where all is taken away, the minus stands in front of the whole.
  if (first.negative) return { ...sum(values.map((w) => ({ ...w, scale: -w.scale }))), scale: -1 };
  const text = rest.reduce((line, t) => `${line} ${t.negative ? "-" : "+"} ${t.text}`, first.text);
  return written({ text, level: levels.sum, terms: ordered });
}

/** What is linear in x, of its body: a sum over axes, a transpose. */
export function linear(x: Written, of: (body: Piece) => Piece): Written {
  return { ...x, body: of(x.body ?? closedPiece("1")) };
}
