/**
 * Names and what they mean, as a chain of scopes: a block's, its function's or model's, the file's, the library's.
 * A name is bound once per scope; an inner scope may bind it again. Whether a name was ever used is kept per place of
 * definition, since a body is checked once per call.
 *
 *     const inner = new Scope(file);
 *     inner.define({ name: "h", span, value });
 */
import type { Span } from "../support/span.ts";

/** A name that is bound. */
export interface Definition<V> {
  readonly name: string;
  /** Absent for what the library and the language define. */
  readonly span?: Span;
  value: V;
  /** A state: its value is looked up by path, since `<-` changes it. */
  readonly state?: string;
  /** Told when the name is used. */
  readonly onUse?: () => void;
  /** Told when a dropped branch mentions it, in place of `onUse`. */
  readonly onDrop?: () => void;
}

/** What a scope belongs to; a turn of `for` carries the names of the block around. */
export type ScopeLevel = "library" | "file" | "block" | "turn";

/** One level of names. */
export class Scope<V> {
  readonly parent: Scope<V> | undefined;
  readonly level: ScopeLevel;
  private readonly names = new Map<string, Definition<V>>();
  /** Finds what is not bound here: declarations made on demand. */
  private readonly fallback: ((name: string) => Definition<V> | undefined) | undefined;

  constructor(parent?: Scope<V>, fallback?: (name: string) => Definition<V> | undefined, level: ScopeLevel = "block") {
    this.level = level;
    this.parent = parent;
    this.fallback = fallback;
  }

  /** Binds a name here; the earlier definition of this very scope is returned and stays when there is one. */
  define(definition: Definition<V>): Definition<V> | undefined {
    const known = this.names.get(definition.name);
    if (known) return known;
    this.names.set(definition.name, definition);
    return undefined;
  }

  /** Binds a name here, whatever it was. */
  rebind(definition: Definition<V>): void {
    this.names.set(definition.name, definition);
  }

  own(name: string): Definition<V> | undefined {
    const known = this.names.get(name);
    if (known) return known;
    const made = this.fallback?.(name);
    if (made) this.names.set(name, made);
    return made;
  }

  lookup(name: string): Definition<V> | undefined {
    for (let scope: Scope<V> | undefined = this; scope; scope = scope.parent) {
      const found = scope.own(name);
      if (found) return found;
    }
    return undefined;
  }

  /** The same names in another place. */
  under(parent: Scope<V>): Scope<V> {
    const moved = new Scope<V>(parent);
    for (const definition of this.names.values()) moved.define(definition);
    return moved;
  }

  /** The scope that binds what `lookup` finds. */
  holderOf(name: string): Scope<V> | undefined {
    for (let scope: Scope<V> | undefined = this; scope; scope = scope.parent) if (scope.own(name)) return scope;
    return undefined;
  }

  /** What is bound here itself. */
  ownDefinitions(): Definition<V>[] {
    return [...this.names.values()];
  }

  /** The names that are visible here, for suggestions. */
  visible(): string[] {
    const all: string[] = [];
    for (let scope: Scope<V> | undefined = this; scope; scope = scope.parent) all.push(...scope.names.keys());
    return all;
  }
}
