/**
 * What a nest says, as a text: equal texts are equal nests, but for what the asker leaves out or puts in another way. In: nests, and how
 * to say a buffer, a position and a parameter. Out: their texts.
 *
 *     keys.of(nest, { buffer: (b) => numberOf(b), params: nest.params })      "map 4 [] kind:load id:0 buffer:0 index:17 …"
 *
 * Expressions, axes and shapes are said by number. Nests that were lowered as one share those objects, so each is printed once.
 */
import type { Buffer, Nest, Stmt } from "../ir/kernel.ts";
import type { Scalar } from "../ir/scalar.ts";

/** How to say what nests differ in. */
export interface Sight {
  readonly buffer: (buffer: Buffer) => string;
  /** What is said of a position. */
  readonly position?: (index: Scalar) => Scalar;
  /** What is said of the parameters. */
  readonly params: readonly unknown[];
}

/** Texts of nests, to be compared with each other alone. */
export class NestKeys {
  private readonly known = new Map<object, number>();
  private readonly byText = new Map<string, number>();

  of(nest: Nest, sight: Sight): string {
    return `${nest.shape} ${this.numberOf(nest.parallel)} ${printed(sight.params)}${this.statements(nest.body, sight)}`;
  }

  private statements(body: readonly Stmt[], sight: Sight): string {
    let text = "{";
    for (const s of body) {
      for (const name in s) {
        const value: unknown = s[name as keyof Stmt];
        if (value === undefined) continue;
        text += ` ${name}:`;
        if (name === "buffer") text += sight.buffer(value as Buffer);
        else if (name === "body") text += this.statements(value as readonly Stmt[], sight);
        else if (typeof value !== "object" || value === null) text += String(value);
        else text += this.numberOf(name === "index" && sight.position ? sight.position(value as Scalar) : value);
      }
      text += ";";
    }
    return `${text}}`;
  }

  private numberOf(thing: object): number {
    const known = this.known.get(thing);
    if (known !== undefined) return known;
    const text = printed(thing);
    const number = this.byText.get(text) ?? this.byText.size;
    this.byText.set(text, number);
    this.known.set(thing, number);
    return number;
  }
}

/** As JSON, which calls some numbers the same that are not. */
function printed(thing: unknown): string {
  return JSON.stringify(thing, (_, value: unknown) => (typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0)) ? { number: Object.is(value, -0) ? "-0" : String(value) } : value));
}
