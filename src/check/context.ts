/**
 * What every part of the checker shares: where diagnostics go, which model is being checked, which calls are under
 * way, and the one function that evaluates an expression (given here, so that files need not import each other round).
 */
import type { DType } from "../ir/types.ts";
import type { Diagnostics, Label } from "../support/diagnostic.ts";
import type { Source, Span } from "../support/span.ts";
import type { Block, Expr, Statement } from "../syntax/ast.ts";
import { CallResults } from "./call-results.ts";
import type { CheckedInput, CheckedParam, CheckedState, LibraryCall, Named, Term } from "./checked.ts";
import type { Core, LoopVar } from "./core.ts";
import type { Equation } from "./equation.ts";
import { Ranges } from "./bounds.ts";
import type { Guard } from "./guards.ts";
import { mentionedNames } from "./mentions.ts";
import type { Problem } from "./problem.ts";
import type { DeclaredShape } from "./declared-shape.ts";
import type { Scope } from "./scope.ts";
import type { Callable, TensorValue, Value } from "./value.ts";

/** Where parameters, states and draws made here belong. */
export interface Place {
  /** `Digits.h`. */
  readonly path: string;
  /** False where nothing gives a call a name (under `loss`). */
  readonly named: boolean;
  /** Turns of the `for` loops around, added after a binding's name: `.3`. */
  readonly turns: string;
}

/** One instance of a body: a model, or a call of a function or layer. */
export interface Frame {
  readonly kind: "file" | "model" | "fn" | "layer" | "optimizer" | "schedule" | "initializer" | "train";
  readonly id: number;
  /** Numbers the calls of a shared instance, from 1; calls inside inherit it. */
  readonly repeat: number;
  /** A requirement did not hold: the rest is not looked at. */
  failed?: boolean;
  /** Run when the body is done. */
  readonly atEnd: (() => void)[];
  /** What `return` gave, and where. */
  result?: { readonly value: Value; readonly span: Span };
}

/** What an expression is evaluated in. */
export interface Env {
  readonly scope: Scope<Value>;
  readonly place: Place;
  readonly frame: Frame;
  /** Inside the text of index notation, where brackets pick one number. */
  readonly indices?: boolean;
}

/** A call under way. */
export interface ActiveCall {
  readonly declaration: Callable;
  readonly span: Span;
}

/** A model while it is checked. */
export interface ModelState {
  readonly name: string;
  readonly hypers: Map<string, { readonly value: number; readonly span: Span; static: boolean }>;
  readonly inputs: CheckedInput[];
  /** With the user's call that made each, and the layers that it was made in, outermost first. */
  readonly params: Map<string, CheckedParam & { readonly call: Span; readonly layers: readonly string[] }>;
  readonly states: Map<string, CheckedState & { readonly current: TensorValue }>;
  readonly updates: Map<string, { value: Core; span: Span }>;
  readonly outputs: Named[];
  readonly terms: Term[];
  readonly metrics: Named[];
  /** Which call owns a path. */
  readonly claims: Map<string, { readonly id: number; readonly repeat: number; readonly span: Span }>;
  readonly draws: Map<string, Span>;
  readonly calls: Map<string, number>;
  /** Parameters of an earlier pass over the same model, so that `weights` can stand above a parameter. */
  readonly foreseen: readonly CheckedParam[];
  /** The parameter paths that a set was made of. */
  setsSeen?: number;
  /** Terms that were wrong: what follows from their absence is not reported. */
  readonly brokenTerms: string[];
  /** In an optimizer: the parameter's shape, the key of a state, and that nothing but training exists. */
  readonly theta?: DeclaredShape;
  readonly statePath?: (name: string) => string;
  readonly alwaysTraining?: boolean;
  /** In an optimizer: what evaluation uses in the parameter's place. */
  /** What an optimizer over all parameters calls them, if not θ. */
  readonly thetaName?: string;
  thetaOutput?: { readonly span: Span; readonly value?: Core };
}

/** A model of which nothing is known yet. */
export function emptyModel(name: string, foreseen: readonly CheckedParam[] = []): ModelState {
  return {
    name, hypers: new Map(), inputs: [], params: new Map(), states: new Map(), updates: new Map(), outputs: [], terms: [], metrics: [], claims: new Map(),
    draws: new Map(), calls: new Map(), foreseen, brokenTerms: [],
  };
}

/**
 * Limits that keep a hostile program from taking forever. `steps` counts what grows when a program unfolds: expressions looked at
 * in one pass over a model, those of a body again for each call and each turn, and the turns themselves. `depth` counts expressions
 * inside each other, through bodies too: a step down takes up to 2 KB of the stack, and a worker of a browser has 500 KB.
 */
export const limits = { steps: 3_000_000, depth: 250 } as const;

/** The state of one run of `check`. */
export class Context {
  readonly diagnostics: Diagnostics;
  readonly evaluate: (cx: Context, expr: Expr, env: Env) => Value;
  /** The value of a body: an expression, or what a block returns. */
  readonly runBody: (cx: Context, body: Expr | Block, env: Env) => Value;
  readonly runStatements: (cx: Context, statements: readonly Statement[], env: Env) => void;
  readonly isLibrary: (source: Source) => boolean;
  readonly libraryNames: () => readonly string[];
  /** Whether a file misses something that it uses: an unknown name there is no second error. */
  readonly isIncomplete: (source: Source) => boolean;
  readonly calls: ActiveCall[] = [];
  /** Declarations whose body was run. */
  readonly called = new Set<Callable>();
  /** Unknown names that were reported, by block. */
  readonly unknownNames = new Set<string>();
  /** Inputs whose declaration is wrong: that they are not there is no second error. */
  readonly brokenInputs = new Set<string>();
  /** What the user's calls ran of the library, by place of call and declaration. */
  readonly libraryCalls = new Map<string, LibraryCall>();
  /** Names by place of definition: the ones never used get a warning. */
  readonly names = new Map<string, { readonly name: string; readonly span: Span; used: boolean }>();
  private readonly mentions = new WeakMap<object, ReadonlySet<string>>();
  /** Where the reductions that bound an index ended last, by the index. */
  readonly ended = new Map<string, { readonly text: string; readonly span: Span }>();
  model: ModelState | undefined;
  equation: Equation | undefined;
  /** The conditions that hold here: they protect accesses. */
  guards: readonly Guard[] = [];
  /** The `fold` and `scan` blocks around, outermost first: a draw is keyed by their turns. */
  loops: readonly LoopVar[] = [];
  /** See `limits`. */
  private steps = 0;
  private depth = 0;
  /** Set once a limit is reached: nothing is looked at any more. */
  exhausted = false;
  /** Grows with all that a call may do beside giving a value: parameters, draws, instances, and reading what changes. */
  effects = 0;
  readonly callResults = new CallResults();
  private ids = 0;

  constructor(diagnostics: Diagnostics, by: Pick<Context, "evaluate" | "runBody" | "runStatements" | "isLibrary" | "libraryNames" | "isIncomplete">) {
    this.diagnostics = diagnostics;
    this.evaluate = by.evaluate;
    this.runBody = by.runBody;
    this.runStatements = by.runStatements;
    this.isLibrary = by.isLibrary;
    this.libraryNames = by.libraryNames;
    this.isIncomplete = by.isIncomplete;
  }

  /** Goes one expression deeper; false where a limit is reached, which is reported once. */
  enter(span: Span): boolean {
    if (this.exhausted) return false;
    if (++this.depth > limits.depth) this.exhaust(`more than ${limits.depth} expressions inside each other, through calls`, span);
    else this.spend(1, span);
    if (this.exhausted) this.depth--;
    return !this.exhausted;
  }

  leave(): void {
    this.depth--;
  }

  /** Counts steps; false where there are too many. */
  spend(steps: number, span: Span): boolean {
    if (this.exhausted) return false;
    this.steps += steps;
    if (this.steps > limits.steps) this.exhaust(`calls and \`for\` unfold into more than ${limits.steps} expressions`, span);
    return !this.exhausted;
  }

  private exhaust(message: string, span: Span): void {
    this.error({ code: "E0110", message, span: this.calls[0]?.span ?? span, unsupported: true, hint: "`fold` and `scan` share one body" });
    this.exhausted = true;
  }

  newId(): number {
    return ++this.ids;
  }

  /** Reports an error. One inside the library is shown at the user's call that led there. */
  error(problem: Problem): void {
    // What follows from a program that was not looked at whole says nothing.
    if (this.exhausted) return;
    const { code, message, span, label, hint, unsupported } = problem;
    const related = (problem.related ?? []).filter((r): r is Label => r !== undefined);
    const rest = { code, message, ...(hint !== undefined && { hint }), ...(unsupported && { unsupported }) };
    const outer = this.isLibrary(span.source) ? this.userCall() : undefined;
    if (outer) {
      const inside: Label = { span, text: label ?? "it happens here" };
      this.diagnostics.error({ ...rest, span: outer.span, label: `in this call of \`${outer.declaration.name.name}\``, related: [inside, ...related.filter((r) => r.span.start !== outer.span.start || r.span.end !== outer.span.end || r.span.source !== outer.span.source)] });
      return;
    }
    // What is wrong with a body may come from a call in another file.
    const call = this.calls.findLast((c) => c.span.source !== span.source && !this.isLibrary(c.span.source));
    if (call) related.push({ span: call.span, text: `in this call of \`${call.declaration.name.name}\`` });
    // A fault met again, in a second use of a name, is one fault.
    if (this.diagnostics.list.some((d) => d.code === code && d.message === message && d.span?.start === span.start && d.span.source === span.source)) return;
    const others = related.filter((r) => r.span.start !== span.start || r.span.end !== span.end || r.span.source !== span.source);
    this.diagnostics.error({ ...rest, span, ...(label !== undefined && { label }), ...(others.length > 0 && { related: others }) });
  }

  /** Runs `read` where a further condition holds. */
  under<T>(guard: Guard | undefined, read: () => T): T {
    const around = this.guards;
    if (guard) this.guards = [...around, guard];
    const result = read();
    this.guards = around;
    return result;
  }

  /** Bounds of whole numbers, by what the model's inputs declare. */
  ranges(): Ranges {
    return new Ranges((path) => this.model?.inputs.find((i) => i.name === path));
  }

  /** The innermost call under way that stands in the user's text. */
  userCall(): ActiveCall | undefined {
    return this.calls.findLast((c) => !this.isLibrary(c.span.source));
  }

  /** Reports what is legal and probably not meant. What is the library's own affair is not reported. */
  warn(problem: Omit<Problem, "unsupported">): void {
    const { code, message, span, label, hint } = problem;
    if (this.isLibrary(span.source)) return;
    const related = (problem.related ?? []).filter((r): r is Label => r !== undefined);
    this.diagnostics.warn({ code, message, span, ...(label !== undefined && { label }), ...(related.length > 0 && { related }), ...(hint !== undefined && { hint }) });
  }

  /** Remembers that a body of the library runs for a call of the user's. */
  noteLibraryCall({ name, span }: Callable): void {
    const call = this.isLibrary(span.source) ? this.userCall()?.span : undefined;
    if (call) this.libraryCalls.set(`${call.source.path}:${call.start}:${name.name}`, { name: name.name, declaration: span, call });
  }

  /** Says that a legal program asks for something that cannot be compiled yet. */
  unsupported(span: Span, what: string, hint?: string): void {
    this.error({ code: "E0120", message: `${what} is not supported yet`, span, unsupported: true, hint });
  }

  /** The names that a text mentions, looked for once: a body is read again for each call. */
  mentioned(root: Expr | Block): ReadonlySet<string> {
    const known = this.mentions.get(root);
    if (known) return known;
    const found = mentionedNames(root);
    this.mentions.set(root, found);
    return found;
  }

  /** The hint for an index behind the end of the reduction that bound it, on one line: `mean[n] a[n] == b[n]`. */
  endedHint(name: string, span: Span): string | undefined {
    const before = this.ended.get(name);
    if (!before || before.span.source !== span.source || before.span.end > span.start || span.source.text.slice(before.span.end, span.start).includes("\n")) return undefined;
    return `\`${before.text}\` takes the product that follows and ends before this; put the whole in parentheses: \`${before.text} (…)\``;
  }

  /** Remembers a name that its owner should use. */
  expectUse(name: string, span: Span): () => void {
    const key = `${span.source.path}:${span.start}`;
    const known = this.names.get(key) ?? { name, span, used: false };
    this.names.set(key, known);
    return () => {
      known.used = true;
    };
  }
}

/** The place of something bound to `name` here. */
export function placeOf(place: Place, name: string): Place {
  return { path: `${place.path}.${name}${place.turns}`, named: true, turns: "" };
}

/** Dtypes by name. */
export const dtypes: readonly DType[] = ["f32", "i32", "u32", "bool"];
