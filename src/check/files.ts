/**
 * The files of a program: the first one, those it uses, those they use. Comes in: the first file, and a way to the texts
 * of others. Goes out: every file once, with the scope in which its declarations stand.
 *
 *     use "layers.dl"                    its declarations under their own names
 *     use "more/losses.dl" as more       … behind a point: `more.focal(p, y)`, `train more.Net`
 *     use "std/losses.dl" as std         a file of the library, whatever the own files call alike
 *
 * Invariants: a file is read once, however many use it, so what it declares is one thing; a file sees its own
 * declarations, those of the files it uses and the library, and passes nothing on; what a file declares does not depend
 * on who uses it. Its train blocks run only where it is the first file.
 */
import type { Library } from "../std/library.ts";
import type { Source, Span } from "../support/span.ts";
import { suggest } from "../support/suggest.ts";
import type { Declaration, File, Ident, Model, Use } from "../syntax/ast.ts";
import { parse } from "../syntax/parse.ts";
import { builtinNames } from "./builtins.ts";
import type { Context, Env } from "./context.ts";
import { plainFrame } from "./models.ts";
import { labelAt } from "./problem.ts";
import { type Definition, Scope } from "./scope.ts";
import { warnHiddenLibrary } from "./shadows.ts";
import { baseName, usePath } from "./use-path.ts";
import { type FileValue, poison, type Value } from "./value.ts";

/** The text of a used file, why it cannot be read, or undefined when there is none. */
export type UsedText = Source | { readonly problem: string } | undefined;

/** How the texts of used files are found. Paths are written with `/` and start from the folder of the first file. */
export interface UseOptions {
  readonly use?: (path: string) => UsedText;
  /** Names of `.dl` files beside a path that is not there, for a suggestion. */
  readonly useNames?: (path: string) => readonly string[];
}

/** A file of the program. */
export interface ProgramFile {
  /** From the folder of the first file. */
  readonly path: string;
  readonly source: Source;
  readonly declarations: readonly Declaration[];
  readonly scope: Scope<Value>;
  /** What it declares itself, but for models and train blocks. */
  readonly members: ReadonlyMap<string, Definition<Value>>;
  readonly models: ReadonlyMap<string, Model>;
  /** The models that can be named here without a point, its own and those of the files it uses. */
  readonly visibleModels: ReadonlyMap<string, { readonly model: Model; readonly file: ProgramFile }>;
  /** The files behind a name; undefined behind the name of one that could not be read. */
  readonly named: ReadonlyMap<string, ProgramFile | undefined>;
  /** The files that it uses, by the `use`; without those that could not be read. */
  readonly used: ReadonlyMap<Use, ProgramFile>;
  /** Parts of it could not be read, so names may be missing. */
  readonly broken: boolean;
  /** The `use` that was met first. */
  readonly use?: Span;
}

/** More would be a mistake, or meant badly. */
const limits = { files: 1000, depth: 100 } as const;

/** Reads the files of a program; the first one comes first. Files that miss something that they use are added to `incomplete`. */
export function readFiles(cx: Context, first: File, library: Library, options: UseOptions, incomplete: Set<Source>): readonly ProgramFile[] {
  return new FileReader(cx, library, options, incomplete).read(first);
}

class FileReader {
  private readonly cx: Context;
  private readonly library: Library;
  private readonly options: UseOptions;
  private readonly incomplete: Set<Source>;
  private readonly outermost: Scope<Value>;
  /** By the path of the `use`, and by what the host calls the source: two paths may lead to one file. */
  private readonly known = new Map<string, ProgramFile | undefined>();
  private readonly files: ProgramFile[] = [];
  private readonly underWay: { readonly path: string; readonly source: Source }[] = [];

  constructor(cx: Context, library: Library, options: UseOptions, incomplete: Set<Source>) {
    this.cx = cx;
    this.incomplete = incomplete;
    this.library = library;
    this.options = options;
    const outermost: Scope<Value> = new Scope<Value>(undefined, (name) => {
      const found = library.find(name, cx.diagnostics);
      return found && definition(cx, found, outermost);
    }, "library");
    this.outermost = outermost;
  }

  read(first: File): readonly ProgramFile[] {
    const file = this.readFile(baseName(first.span.source.path), first, undefined);
    return [file, ...this.files.filter((f) => f !== file)];
  }

  private readFile(path: string, { declarations, span, incomplete: unread }: File, use: Span | undefined): ProgramFile {
    const { cx } = this;
    const { source } = span;
    this.underWay.push({ path, source });
    const brought = new Bringer(cx);
    const named = new Map<string, ProgramFile | undefined>();
    const uses = new Map<Use, ProgramFile>();
    let incomplete = false;
    for (const declaration of declarations) {
      if (declaration.kind !== "use") continue;
      const used = this.follow(path, declaration);
      incomplete ||= used === undefined || used.broken;
      if (used) uses.set(declaration, used);
      if (declaration.as) named.set(declaration.as.name, used);
      else if (used) brought.all(declaration, used);
    }
    this.underWay.pop();
    if (incomplete) this.incomplete.add(source);
    const scope = new Scope<Value>(this.outermost, undefined, "file");
    for (const { definition: bound } of brought.values.values()) scope.define(bound);
    const members = new Map<string, Definition<Value>>();
    const models = new Map<string, Model>();
    const seen = new Map<string, Ident>();
    for (const declaration of declarations) {
      const ident = declaration.kind === "train" || declaration.kind === "use" ? declaration.as : declaration.name;
      if (!ident) continue;
      const before = seen.get(ident.name);
      if (before) cx.error({ code: "E0102", message: `\`${ident.name}\` is declared twice`, span: ident.span, related: [labelAt(before.span, "first here")] });
      seen.set(ident.name, ident);
      if (before || declaration.kind === "train") continue;
      brought.clash(ident);
      if (declaration.kind === "use") scope.rebind({ name: ident.name, span: ident.span, value: fileValue(named.get(ident.name)) });
      else if (declaration.kind === "model") models.set(ident.name, declaration);
      else {
        this.warnHidden(ident, declaration.kind);
        const made = definition(cx, declaration, scope);
        if (made) scope.rebind(made);
        if (made) members.set(ident.name, made);
      }
    }
    const visible = new Map<string, { readonly model: Model; readonly file: ProgramFile }>(brought.models);
    const file: ProgramFile = { path, source, declarations, scope, members, models, visibleModels: visible, named, used: uses, broken: unread === true, ...(use && { use }) };
    for (const [name, model] of models) visible.set(name, { model, file });
    this.known.set(path, file);
    this.known.set(sourceKey(source), file);
    this.files.push(file);
    return file;
  }

  /** A declaration with a name that the library or the language gives already. */
  private warnHidden(ident: Ident, kind: Declaration["kind"]): void {
    const hidden = this.outermost.own(ident.name);
    if (hidden || builtinNames.includes(ident.name)) warnHiddenLibrary(this.cx, ident, kind, hidden?.span);
  }

  /** The file of a `use`, read if it was not; undefined when something was reported. */
  private follow(from: string, { path: { value: written }, span }: Use): ProgramFile | undefined {
    const { cx } = this;
    const found = usePath(from, written);
    if (found.kind === "problem") {
      cx.error({ code: "E0131", message: found.problem, span, hint: found.hint });
      return undefined;
    }
    if (found.kind === "library") return this.libraryFile(found.path, span);
    if (this.known.has(found.path)) return this.known.get(found.path);
    const text = this.textOf(found.path, span);
    const source = text && (this.underWay.find((f) => f.path === found.path || f.source.path === text.path)?.source ?? text);
    const again = this.underWay.findIndex((f) => f.source === source);
    if (again >= 0) {
      const cycle = [...this.underWay.slice(again).map((f) => f.path), found.path].join(" → ");
      cx.error({ code: "E0132", message: `files use each other: ${cycle}`, span, label: "this `use` goes round", hint: "move what both need into a third file" });
      return undefined;
    }
    const known = source && this.known.get(sourceKey(source));
    if (known || !source) {
      this.known.set(found.path, known);
      return known;
    }
    if (this.underWay.length >= limits.depth || this.files.length >= limits.files) {
      const many = this.files.length >= limits.files ? `${limits.files} files` : `${limits.depth} files that use one another`;
      cx.error({ code: "E0134", message: `more than ${many}`, span, unsupported: true });
      return undefined;
    }
    return this.readFile(found.path, parse(source, cx.diagnostics), span);
  }

  private textOf(path: string, span: Span): Source | undefined {
    // A file under way is known by its path, whether or not there is a host to ask.
    const open = this.underWay.find((f) => f.path === path);
    const text = open ? open.source : this.options.use?.(path);
    if (text && "text" in text) return text;
    if (text) this.cx.error({ code: "E0130", message: `\`${path}\` cannot be read: ${text.problem}`, span });
    else this.missing(path, span);
    return undefined;
  }

  private missing(path: string, span: Span): void {
    const base = baseName(path);
    const near = suggest(base, this.options.useNames?.(path) ?? []);
    const inLibrary = this.library.files().find((f) => baseName(f) === base);
    const other = inLibrary ? `the library has \`use "${inLibrary}"\`` : near && `did you mean \`${path.slice(0, path.length - base.length)}${near}\`?`;
    const hint = this.options.use ? other : "this program was compiled from a text alone: give the compiler the texts of the files it uses";
    this.cx.error({ code: "E0130", message: `there is no file \`${path}\``, span, label: "not found", hint });
  }

  private libraryFile(path: string, span: Span): ProgramFile | undefined {
    const known = this.known.get(path);
    if (known) return known;
    const file = this.library.file(path, this.cx.diagnostics);
    if (!file) {
      const near = suggest(path, this.library.files());
      const hint = near ? `did you mean \`${near}\`?` : `it has ${this.library.files().join(", ")}; a folder of your own is \`./std/\``;
      this.cx.error({ code: "E0130", message: `the library has no file \`${path}\``, span, label: "not found", hint });
      return undefined;
    }
    // What the library declares is the same thing, whether it is found by its bare name or through `use`.
    const members = new Map<string, Definition<Value>>();
    for (const declaration of file.declarations) {
      const found = "name" in declaration ? this.outermost.own(declaration.name.name) : undefined;
      if (found) members.set(found.name, found);
    }
    const { source } = file.span;
    const made: ProgramFile = { path, source, declarations: [], scope: this.outermost, members, models: new Map(), visibleModels: new Map(), named: new Map(), used: new Map(), broken: false };
    this.known.set(path, made);
    return made;
  }
}

/** What a file brings in under own names, and where each name came from. */
class Bringer {
  readonly values = new Map<string, { readonly definition: Definition<Value>; readonly use: Use }>();
  readonly models = new Map<string, { readonly model: Model; readonly file: ProgramFile }>();
  private readonly cx: Context;
  private readonly places = new Map<string, { readonly span: Span | undefined; readonly use: Use; readonly path: string }>();

  constructor(cx: Context) {
    this.cx = cx;
  }

  all(use: Use, file: ProgramFile): void {
    for (const [name, definition] of file.members) if (this.first(name, definition.span, use, file.path)) this.values.set(name, { definition, use });
    for (const [name, model] of file.models) if (this.first(name, model.name.span, use, file.path)) this.models.set(name, { model, file });
  }

  /** False where the name came from another file already. */
  private first(name: string, span: Span | undefined, use: Use, path: string): boolean {
    const before = this.places.get(name);
    if (before && before.span !== span) {
      this.cx.error({
        code: "E0133", message: `\`${name}\` comes from \`${before.path}\` and from \`${path}\``, span: use.span, label: `brings a \`${name}\``,
        related: [labelAt(before.use.span, `this brings another \`${name}\``), labelAt(before.span, "the first"), labelAt(span, "the second")],
        hint: `put one behind a name: \`use "${use.path.value}" as ${aliasFor(use.path.value)}\``,
      });
    }
    if (before) return false;
    this.places.set(name, { span, use, path });
    return true;
  }

  /** Reports that a name declared here came from another file too. */
  clash(ident: Ident): void {
    const before = this.places.get(ident.name);
    if (!before) return;
    this.cx.error({
      code: "E0133", message: `\`${ident.name}\` is declared here and comes from \`${before.path}\``, span: ident.span, label: "declared here",
      related: [labelAt(before.use.span, `this brings another \`${ident.name}\``), labelAt(before.span, "the other")],
      hint: `put the other behind a name: \`use "${before.use.path.value}" as ${aliasFor(before.use.path.value)}\``,
    });
  }
}

/** A name that a file could be put behind. */
function aliasFor(path: string): string {
  const stem = baseName(path).replace(/\.dl$/, "");
  return /^[A-Za-z]\w*$/.test(stem) ? stem : "other";
}

/** No path holds a NUL, so a host's name for a source is never taken for the path of a `use`. */
function sourceKey(source: Source): string {
  return `\0${source.path}`;
}

function fileValue(file: ProgramFile | undefined): Value {
  const value: FileValue | undefined = file && { kind: "file", path: file.path, members: file.members, models: [...file.models.keys()] };
  return value ?? poison;
}

/** A declaration as its name's definition. */
export function definition(cx: Context, declaration: Declaration, scope: Scope<Value>): Definition<Value> | undefined {
  switch (declaration.kind) {
    case "fn":
    case "layer":
    case "optimizer":
    case "schedule":
    case "initializer":
      return { name: declaration.name.name, span: declaration.name.span, value: { kind: "callable", declaration, scope } };
    case "const": {
      const env: Env = { scope, frame: plainFrame(cx, "file"), place: { path: "", named: false, turns: "" } };
      return { name: declaration.name.name, span: declaration.name.span, value: cx.evaluate(cx, declaration.value, env) };
    }
    default:
      return undefined;
  }
}
