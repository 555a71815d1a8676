/**
 * What everything lowered for one entry shares: the builder, which reading of `training` holds, how leaves are made,
 * the streams drawn from, the gradients that optimizers read, the names derivatives are taken by.
 *
 *     new Entry({ training: true, roots, builder })
 */
import type { Node } from "../ir/node.ts";
import type { TensorType } from "../ir/types.ts";
import type { Core, CoreOf } from "../check/core.ts";
import { InternalError, UserError } from "../support/diagnostic.ts";
import type { Span } from "../support/span.ts";
import type { Structure } from "./build-children.ts";
import { hashPath } from "./build-random.ts";
import { Reading } from "./build-readings.ts";
import type { Readings } from "./build-readings.ts";
import type { Value, Variables } from "./build-values.ts";
import type { Builder } from "./builder.ts";

/** Which entry is made. */
export interface EntryOptions {
  readonly training: boolean;
  /** Everything the entry will lower: searched for derivatives. */
  readonly roots: readonly Core[];
  /** Where the nodes are made. */
  readonly builder: Builder;
  /** What entries of the program share in that builder; without it, this one reads for itself. */
  readonly readings?: Readings | undefined;
}

/** The shared state of one entry's graph. */
export class Entry {
  readonly builder: Builder;
  readonly reading: Reading;
  /** By parameter path; set once the loss is there. */
  readonly gradients = new Map<string, Node>();
  private readonly marks = new Map<Core | string, number>();
  private readonly standing = new Map<string, Node>();
  private updates: Node | undefined;
  private copies = 0;
  private received = 0;

  constructor(options: EntryOptions) {
    this.builder = options.builder;
    this.reading = options.readings?.of(options.training, options.roots) ?? new Reading(options.training, options.roots);
  }

  get structure(): Structure {
    return this.reading.structure;
  }

  get variables(): Variables {
    return this.reading.variables;
  }

  /** An input, parameter or state by path. */
  leaf(role: CoreOf<"leaf">["role"], path: string, type: TensorType): Node {
    const standing = role === "param" ? this.standing.get(path) : undefined;
    if (standing) return standing;
    return this.builder.leaf({ kind: role, path, type });
  }

  /** Puts a node in a parameter's place. */
  stand(path: string, node: Node): void {
    this.standing.set(path, this.builder.mark(node, `param ${path}`));
  }

  /** `t` or `epoch`. */
  counter(name: string, type: TensorType): Node {
    return name === "t" && this.updates ? this.updates : this.builder.leaf({ kind: "step", path: name, type });
  }

  /** What `body` makes has these updates as its `t`. */
  counting<T>(updates: Node, body: () => T): T {
    this.updates = updates;
    try {
      return body();
    } finally {
      this.updates = undefined;
    }
  }

  /** A leaf of its own for what a rule receives. */
  ruleLeaf(name: string, type: TensorType): Node {
    return this.builder.leaf({ kind: "rule", path: `${name} ${this.received++}`, type });
  }

  /** The gradient of the loss by a parameter. */
  gradient(path: string): Node {
    const node = this.gradients.get(path);
    if (!node) throw new InternalError("build", `the gradient of ${path} is used before the loss is made`);
    return node;
  }

  /** True when a derivative is taken by this expression. */
  derivedBy(core: Core): boolean {
    return this.reading.wrts.has(core);
  }

  /**
   * The value, under an identity of its own if a derivative is taken by this expression. Leaves and carries have one anyway. An
   * expression that is made twice of the same node is the same thing both times.
   */
  named(core: Core, value: Value): Value {
    if (core.kind === "leaf" || core.kind === "carry" || !this.reading.wrts.has(core)) return value;
    const number = this.marks.get(core) ?? this.marks.size;
    this.marks.set(core, number);
    return { ...value, node: this.builder.mark(value.node, `${nameOf(core)} ${number}`) };
  }

  /** The node under an identity that nothing else has: a copy of what a derivative is taken by. */
  copy(core: Core, node: Node): Node {
    return this.builder.mark(node, `${nameOf(core)} copy ${this.copies++}`);
  }

  /** The hash of a draw's path. Throws a UserError (E0310) when another path of the entry has the same. */
  stream(path: string, span: Span): number {
    const hash = hashPath(path);
    const { streams } = this.reading;
    const known = streams.get(hash);
    if (known && known.path !== path) {
      throw new UserError({
        code: "E0310", message: `the draws ${known.path} and ${path} would be equal: their paths have one hash`, span, label: path,
        related: [{ span: known.span, text: known.path }], hint: "rename one of them",
      });
    }
    streams.set(hash, { path, span });
    return hash;
  }
}

function nameOf(core: Core): string {
  return core.kind === "binding" ? core.name : core.kind === "leaf" ? core.path : core.kind;
}
