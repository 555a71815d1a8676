/**
 * Text with places where lines may break, and its layout for a width (after Wadler, "A prettier printer"). Comes in: a
 * `Doc`. Goes out: text. A group stays on one line if it fits; else its own lines break and inner groups decide again.
 *
 *     print(group(["f(", indent([softLine, "a,", line, "b"]), softLine, ")"]), 100)   // "f(a, b)"
 *
 * Comments that end a line are `suffix`es: they wait for the next line break, so code after one can never fall into it.
 * A `lines` block always has its line breaks, and what stands around it may still be one line: `f(cases {` … `})`.
 *
 * Invariants: time is linear in the document for a given width; the stack does not grow with the length of a list.
 */

/** A text with possible line breaks. */
export type Doc = string | readonly Doc[] | Group | Fill | Indent | Hang | Line | Suffix | Lines | IfBroken;

interface Group { readonly kind: "group"; readonly content: Doc; readonly broken: boolean; readonly lined: boolean }
/** Contents and separators in turn; each separator breaks only if what follows would not fit. */
interface Fill { readonly kind: "fill"; readonly parts: readonly Doc[]; readonly broken: boolean; readonly lined: boolean }
interface Indent { readonly kind: "indent"; readonly content: Doc; readonly broken: boolean; readonly lined: boolean }
interface Hang { readonly kind: "hang"; readonly content: Doc; readonly broken: boolean; readonly lined: boolean }
interface Line { readonly kind: "line"; readonly flat: string; readonly broken: boolean; readonly lined: boolean }
interface Suffix { readonly kind: "suffix"; readonly text: string; readonly broken: true; readonly lined: false }
interface Lines { readonly kind: "lines"; readonly content: Doc; readonly broken: false; readonly lined: true }
interface IfBroken { readonly kind: "if broken"; readonly text: string; readonly flat: string; readonly broken: boolean; readonly lined: false }

/** A blank, or a line break. */
export const line: Doc = { kind: "line", flat: " ", broken: false, lined: false };
/** Nothing, or a line break. */
export const softLine: Doc = { kind: "line", flat: "", broken: false, lined: false };
/** A line break; all groups around it break. */
export const hardLine: Doc = { kind: "line", flat: "", broken: true, lined: false };

/** Nothing; all groups around it break. */
export const split: Doc = { kind: "if broken", text: "", flat: "", broken: true, lined: false };

/** Whether something in it forces the groups around it to break. */
export function isBroken(doc: Doc): boolean {
  if (typeof doc === "string") return false;
  return "kind" in doc ? doc.broken : doc.some(isBroken);
}

/** Whether there is a block with lines of its own in it. */
export function hasLines(doc: Doc): boolean {
  if (typeof doc === "string") return false;
  return "kind" in doc ? doc.lined : doc.some(hasLines);
}

/** One line if it fits. */
export const group = (content: Doc): Doc => ({ kind: "group", content, broken: isBroken(content), lined: hasLines(content) });
/** Contents and separators in turn, as many on a line as fit. */
export const fill = (parts: readonly Doc[]): Doc => ({ kind: "fill", parts, broken: isBroken(parts), lined: hasLines(parts) });
/** Lines that begin in it stand two further in. */
export const indent = (content: Doc): Doc => ({ kind: "indent", content, broken: isBroken(content), lined: hasLines(content) });
/** Lines that begin in it are set in from where the line stands in which it begins, so that a closing bracket is under that line's start. */
export const hang = (content: Doc): Doc => ({ kind: "hang", content, broken: isBroken(content), lined: hasLines(content) });
/** A comment for the end of the line; forces the groups around it to break. */
export const suffix = (text: string): Doc => ({ kind: "suffix", text, broken: true, lined: false });
/** A block with lines of its own, whatever becomes of the groups around it. */
export const lines = (content: Doc): Doc => ({ kind: "lines", content, broken: false, lined: true });
/** One text where the group around it breaks, another where it does not. */
export const ifBroken = (text: string, flat = ""): Doc => ({ kind: "if broken", text, flat, broken: false, lined: false });

/** Documents with something between them. */
export function join(docs: readonly Doc[], between: Doc): Doc {
  return docs.flatMap((d, k) => (k === 0 ? [d] : [between, d]));
}

/** The text of a document that is one line whatever the width; undefined where it cannot be. */
export function flatText(document: Doc): string | undefined {
  const out: string[] = [];
  const stack: Doc[] = [document];
  for (let doc = stack.pop(); doc !== undefined; doc = stack.pop()) {
    if (typeof doc === "string") out.push(doc);
    else if (!("kind" in doc)) for (let k = doc.length - 1; k >= 0; k--) stack.push(doc[k] ?? "");
    else if (doc.broken || doc.kind === "lines") return undefined;
    else if (doc.kind === "line" || doc.kind === "if broken") out.push(doc.flat);
    else stack.push(doc.kind === "fill" ? doc.parts : doc.content);
  }
  return out.join("");
}

/** The characters of a text that take a cell; combining marks take none. */
export const widthOf = (text: string): number => (/^[\x20-\x7e]*$/.test(text) ? text.length : [...text.replace(/\p{M}/gu, "")].length);

type Mode = "flat" | "broken";
/** A document still to be printed; lists and fills are taken part by part, `at` says from which. */
interface Task { readonly doc: Doc; readonly depth: number; readonly mode: Mode; readonly at: number }

/** Whether what is to come fits in `room` cells, up to the first line break: `first`, then the `below` lowest tasks of `rest` from the top. */
function fits(first: readonly Task[], rest: readonly Task[], below: number, room: number, pending: boolean): boolean {
  const stack: Task[] = [...first];
  let next = below;
  let left = room;
  while (left >= 0) {
    const task = stack.pop() ?? rest[--next];
    if (!task) return true;
    const { doc, depth, mode, at } = task;
    if (typeof doc === "string") {
      left -= widthOf(doc);
      continue;
    }
    if (!("kind" in doc)) {
      if (at + 1 < doc.length) stack.push({ ...task, at: at + 1 });
      stack.push({ doc: doc[at] ?? "", depth, mode, at: 0 });
      continue;
    }
    switch (doc.kind) {
      case "group": stack.push({ doc: doc.content, depth, mode: doc.broken ? "broken" : mode, at: 0 }); break;
      case "indent":
      case "hang": stack.push({ doc: doc.content, depth, mode, at: 0 }); break;
      case "fill":
        if (at + 1 < doc.parts.length) stack.push({ ...task, at: at + 1 });
        stack.push({ doc: doc.parts[at] ?? "", depth, mode: at % 2 === 0 ? "flat" : mode, at: 0 });
        break;
      case "line":
        if (mode === "broken" || doc.broken || pending) return true;
        left -= doc.flat.length;
        break;
      case "lines": stack.push({ doc: doc.content, depth, mode: "broken", at: 0 }); break;
      case "if broken": left -= widthOf(mode === "broken" ? doc.text : doc.flat); break;
      case "suffix": break;
    }
  }
  return false;
}

/** Lays a document out. The text ends in a line break unless it is empty. */
export function print(document: Doc, width: number): string {
  const out: string[] = [];
  const stack: Task[] = [{ doc: document, depth: 0, mode: "broken", at: 0 }];
  let column = 0;
  /** How far in the line stands that was begun last; written with its first text, so that empty lines stay empty. */
  let margin = 0;
  let waiting: string[] = [];
  const write = (text: string): void => {
    if (text === "") return;
    if (column === 0) {
      out.push(" ".repeat(margin));
      column = margin;
    }
    out.push(text);
    column += widthOf(text);
  };
  const newline = (depth: number): void => {
    const [first, ...others] = waiting;
    while (out.at(-1) === " ") out.pop();
    // The first comment ends this line; any others that found no place follow on lines of their own.
    if (first !== undefined) write(column === 0 ? first : `  ${first}`);
    out.push("\n");
    column = 0;
    waiting = [];
    for (const text of others) {
      write(text);
      out.push("\n");
      column = 0;
    }
    margin = depth;
  };
  for (let task = stack.pop(); task; task = stack.pop()) {
    const { doc, depth, mode, at } = task;
    if (typeof doc === "string") {
      write(doc);
      continue;
    }
    if (!("kind" in doc)) {
      if (at + 1 < doc.length) stack.push({ ...task, at: at + 1 });
      stack.push({ doc: doc[at] ?? "", depth, mode, at: 0 });
      continue;
    }
    const room = width - Math.max(column, margin);
    switch (doc.kind) {
      case "indent": stack.push({ doc: doc.content, depth: mode === "flat" ? depth : depth + 2, mode, at: 0 }); break;
      case "hang": stack.push({ doc: doc.content, depth: column === 0 ? depth : margin, mode, at: 0 }); break;
      case "lines": stack.push({ doc: doc.content, depth: column === 0 ? depth : margin, mode: "broken", at: 0 }); break;
      case "suffix": waiting.push(doc.text); break;
      case "if broken": write(mode === "broken" ? doc.text : doc.flat); break;
      case "line":
        if (mode === "broken" || doc.broken || waiting.length > 0) newline(depth);
        else write(doc.flat);
        break;
      case "group": {
        const flat: Task = { doc: doc.content, depth, mode: "flat", at: 0 };
        const stays = !doc.broken && (mode === "flat" || fits([flat], stack, stack.length, room, waiting.length > 0));
        stack.push(stays ? flat : { ...flat, mode: "broken" });
        break;
      }
      case "fill": {
        const part = doc.parts[at] ?? "";
        const flat: Task = { doc: part, depth, mode: "flat", at: 0 };
        const going = at + 1 < doc.parts.length;
        let stays = mode === "flat" && !isBroken(part);
        if (!stays && at % 2 === 0) stays = !isBroken(part) && fits(going ? [{ ...task, at: at + 1 }, flat] : [flat], stack, stack.length, room, false);
        else if (!stays) {
          // A separator stays if the content behind it fits, with what must follow that directly.
          const next: Task = { ...flat, doc: doc.parts[at + 1] ?? "" };
          const ahead = at + 2 < doc.parts.length ? [{ ...task, at: at + 2 }, next, flat] : [next, flat];
          const free = waiting.length === 0 && !isBroken(part) && !isBroken(next.doc);
          // What fits neither here nor on a line of its own stays, if it can break inside before the line ends.
          stays = free && (fits(ahead, stack, stack.length, room, false) || (!fits([next], [], 0, width - depth, false) && fits([{ ...next, mode: "broken" }, flat], [], 0, room, false)));
        }
        if (going) stack.push({ ...task, at: at + 1 });
        stack.push(stays ? flat : { ...flat, mode: "broken" });
        break;
      }
    }
  }
  if (column > 0 || waiting.length > 0) newline(0);
  return out.join("");
}
