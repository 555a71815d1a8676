/**
 * The rewrite driver. In: the builder of a graph, rules, roots. Out: the roots in normal form, and a ledger of which
 * rule fired how often and where. Work is done inputs first: a node is made over inputs in normal form, then the rules
 * that may fit are tried in the order of the table; what a rule answers is brought into normal form in turn.
 *
 *     new Rewriter(e, rules).bring([e.add(x, e.like(x, 0))])     // [x]; ledger.hits: { "add-zero": 1 }
 *
 * Invariants: deterministic in the order of roots and rules; iterative, so depth costs no stack; bodies of loops are
 * rewritten too; a `mark` is opaque, so no rule reaches across one. A node has one normal form, so what several graphs
 * of one builder share is rewritten once. Each rule lowers the measure documented in `table.ts`; should one not, the
 * cap turns the endless loop into an InternalError naming it.
 */
import type { Body, Node, NodeOf } from "../ir/node.ts";
import { sameType, printType } from "../ir/types.ts";
import { InternalError } from "../support/diagnostic.ts";
import { makeBody } from "../graph/body.ts";
import type { Builder } from "../graph/builder.ts";
import { RuleIndex } from "./rule-index.ts";
import type { Rule } from "./rule.ts";

/** What fired: per rule, and per node that a rule replaced. */
export interface Ledger {
  readonly hits: ReadonlyMap<string, number>;
  readonly replaced: ReadonlyMap<Node, Firing>;
}

/** One node replaced by one rule. */
export interface Firing {
  readonly rule: string;
  readonly by: Node;
}

/** Firings allowed for each node given that has come to rest, and a floor for small graphs. */
const capPerNode = 64;
const capFloor = 4096;

/** Brings nodes of one builder into the normal form of the rules. */
export class Rewriter {
  readonly ledger: Ledger;
  private readonly e: Builder;
  private readonly rules: RuleIndex;
  private readonly hits = new Map<string, number>();
  private readonly replaced = new Map<Node, Firing>();
  /** By id: the normal form. */
  private readonly normal: (Node | undefined)[] = [];
  private fired = 0;
  private rested = 0;
  /** Nodes from here on are made by rules. */
  private given = 0;

  constructor(e: Builder, rules: readonly Rule[]) {
    this.e = e;
    this.ledger = { hits: this.hits, replaced: this.replaced };
    this.rules = new RuleIndex(rules);
  }

  /** The normal forms of the roots, in which nodes of `readAs` are read as others. */
  bring(roots: readonly Node[], readAs: ReadonlyMap<Node, Node> = new Map()): readonly Node[] {
    this.given = this.e.count;
    for (const [node, other] of readAs) this.normal[node.id] = this.bringOne(other);
    return this.bringAll(roots);
  }

  private bringAll(roots: readonly Node[]): readonly Node[] {
    return roots.map((root) => this.bringOne(root));
  }

  private bringOne(root: Node): Node {
    const { normal } = this;
    if (normal[root.id]) return normal[root.id] as Node;
    // A node waits for its inputs, then for what it became. The stacks keep what has left them: shrinking and growing again costs more.
    const stack: Node[] = [root];
    const became: (Node | undefined)[] = [undefined];
    let count = 1;
    const push = (x: Node): void => {
      stack[count] = x;
      became[count++] = undefined;
    };
    while (count > 0) {
      const top = count - 1;
      const node = stack[top] as Node;
      const to = became[top];
      const end = to ? normal[to.id] : normal[node.id];
      if (end) {
        if (!normal[node.id] && node.id < this.given) this.rested++;
        normal[node.id] = end;
        count--;
        continue;
      }
      if (to) throw new InternalError("rewrite", `node ${node.id} became a node that never came to rest`);
      for (let i = node.inputs.length - 1; i >= 0; i--) {
        const x = node.inputs[i] as Node;
        if (!normal[x.id]) push(x);
      }
      if (count > top + 1) continue;
      const next = this.over(node) ?? this.step(node);
      if (!next || next === node) {
        if (node.id < this.given) this.rested++;
        normal[node.id] = node;
        continue;
      }
      became[top] = next;
      if (!normal[next.id]) push(next);
    }
    return normal[root.id] as Node;
  }

  /** The node over the normal forms of its inputs and of its body; undefined where those are what it has. */
  private over(node: Node): Node | undefined {
    const { normal, e } = this;
    const settled = node.inputs.every((x) => normal[x.id] === x);
    const body = node.op === "loop" ? this.bodyOf(node) : undefined;
    if (settled && !body) return undefined;
    const inputs = settled ? node.inputs : node.inputs.map((x) => normal[x.id] as Node);
    return e.withOrigin(e.originOf(node), () => (node.op === "loop" && body ? e.make("loop", { ...node.attrs, body }, inputs) : e.again(node, inputs)));
  }

  private bodyOf(loop: NodeOf<"loop">): Body | undefined {
    const { results } = loop.attrs.body;
    const brought = this.bringAll(results);
    return brought.every((r, i) => r === results[i]) ? undefined : makeBody(brought);
  }

  /** What the first rule that fits makes of the node. */
  private step(node: Node): Node | undefined {
    const fitting = this.rules.of(node);
    return fitting.length === 0 ? undefined : this.e.withOrigin(this.e.originOf(node), () => this.first(node, fitting));
  }

  private first(node: Node, fitting: readonly Rule[]): Node | undefined {
    for (const rule of fitting) {
      const by = rule.apply(node, this.e);
      if (!by || by === node) continue;
      if (!sameType(by.type, node.type)) {
        throw new InternalError("rewrite", `rule ${rule.name} turned ${node.op} (node ${node.id}) of type ${printType(node.type)} into ${printType(by.type)}`);
      }
      this.hits.set(rule.name, (this.hits.get(rule.name) ?? 0) + 1);
      this.replaced.set(node, { rule: rule.name, by });
      if (++this.fired > capFloor + capPerNode * this.rested) {
        const last = [...this.replaced].slice(-6).map(([n, r]) => `${r.rule} at ${n.op} (node ${n.id})`);
        throw new InternalError("rewrite", `no end in sight after ${this.fired} firings; the last were ${last.join(", ")}`);
      }
      return by;
    }
    return undefined;
  }
}
