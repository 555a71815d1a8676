/**
 * What the compiler has to say to its user, as data. Three kinds of failure are never mixed:
 *
 *   - a user error (or warning): a `Diagnostic` with severity "error", collected in `Diagnostics`;
 *   - something not supported yet: the same record with `unsupported: true`;
 *   - our own bug: an `InternalError`, thrown, naming the pass and the node.
 *
 * Codes are stable, never reused: E0001.. syntax, E01xx names, E02xx shapes, sizes and types, E03xx roles,
 * losses and gradients, E04xx train blocks, E05xx data, E06xx environment and limits, E07xx files and output,
 * W0xxx warnings. `docs/errors.md` lists them.
 */
import type { Source, Span } from "./span.ts";

/** A place and what stands there. */
export interface Label {
  readonly span: Span;
  readonly text: string;
}

/** One error or warning. */
export interface Diagnostic {
  readonly code: string;
  readonly severity: "error" | "warning";
  /** One sentence without a full stop, in the user's names and shapes. */
  readonly message: string;
  /** Where it is; absent only for things that have no place in a source (an adapter, a folder). */
  readonly span?: Span;
  /** What stands at the primary span, a few words. */
  readonly label?: string;
  /** Further places that take part ("this dimension was fixed here"). */
  readonly related?: readonly Label[];
  /** At most one concrete hint. */
  readonly hint?: string;
  /** True when the program is legal but this version cannot compile it. */
  readonly unsupported?: boolean;
}

/** Collects diagnostics; passed to every stage that can meet a user error. */
export class Diagnostics {
  readonly list: Diagnostic[] = [];
  /** How often an error was reported, what had been said before included: whether a stretch of work went well. */
  reports = 0;

  error(d: Omit<Diagnostic, "severity">): void {
    this.add({ ...d, severity: "error" });
  }

  warn(d: Omit<Diagnostic, "severity">): void {
    this.add({ ...d, severity: "warning" });
  }

  /** Adds one, unless the same code was already reported at the same place. */
  add(d: Diagnostic): void {
    if (d.severity === "error") this.reports++;
    const twice = this.list.some(
      (o) => o.code === d.code && o.message === d.message && o.span?.start === d.span?.start && o.span?.source === d.span?.source,
    );
    if (!twice) this.list.push(d);
  }

  /** Leaves out what `left` does not hold. */
  keepOnly(left: readonly Diagnostic[]): void {
    this.list.splice(0, this.list.length, ...left);
  }

  /** Reports follow the text, whatever order the parts were looked at in: file by file, what lies elsewhere last. */
  inTextOrder(files: readonly Source[]): void {
    const rank = new Map(files.map((source, k) => [source, k] as const));
    const fileOf = (d: Diagnostic): number => (d.span && rank.get(d.span.source)) ?? files.length;
    const place = (d: Diagnostic): number => (fileOf(d) === files.length ? 0 : (d.span?.start ?? 0));
    this.list.sort((a, b) => fileOf(a) - fileOf(b) || place(a) - place(b));
  }

  get hasErrors(): boolean {
    return this.errorCount > 0;
  }

  get errorCount(): number {
    return this.list.reduce((n, d) => n + (d.severity === "error" ? 1 : 0), 0);
  }
}

/** A user error thrown where nothing sensible can follow; the nearest stage entry point collects it. */
export class UserError extends Error {
  readonly diagnostic: Diagnostic;
  constructor(d: Omit<Diagnostic, "severity">) {
    super(d.message);
    this.name = "UserError";
    this.diagnostic = { ...d, severity: "error" };
  }
}

/** Our own bug. `where` names the pass or file, `what` the node or object at fault. */
export class InternalError extends Error {
  readonly where: string;
  constructor(where: string, what: string) {
    super(`${where}: ${what}`);
    this.name = "InternalError";
    this.where = where;
  }
}

/** Throws an `InternalError` unless the condition holds. */
export function invariant(condition: unknown, where: string, what: string): asserts condition {
  if (!condition) throw new InternalError(where, what);
}

/** The end of an exhaustive switch. */
export function unreachable(value: never, where: string): never {
  throw new InternalError(where, `unexpected ${JSON.stringify(value)}`);
}
