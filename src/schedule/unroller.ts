/**
 * Unrolls loops: each turn is the body with its leaves replaced. In: loops and picks with their inputs made again.
 * Out: the values that the picks read; no `loop` and no `pick` is left.
 *
 *     pick 0 of loop 3 (h) { tanh(h) }    ->    tanh(tanh(tanh(h)))
 *
 * A stack is a concat of its turns; a loop that slices a stack takes the turn itself. Random streams tell turns apart
 * by the iteration among their inputs, which becomes a constant.
 */
import { constant, unit, whole } from "../ir/access.ts";
import type { Builder } from "../graph/builder.ts";
import type { Node, NodeOf, Origins } from "../ir/node.ts";
import { topological } from "../graph/topological.ts";
import { rebuild } from "../graph/walk.ts";
import { UserError } from "../support/diagnostic.ts";

/** Nodes that one loop may become. */
const mostNodes = 20_000;

type Loop = NodeOf<"loop"> & Node;

/** Unrolls the loops of one graph as it is rebuilt. */
export class Unroller {
  private readonly e: Builder;
  private readonly origins: Origins;
  /** What takes the place of a node of a turn. */
  private readonly inTurn: (node: Node, inputs: readonly Node[]) => Node | undefined;
  private readonly results = new Map<Node, readonly Node[]>();
  private readonly turnsOf = new Map<Node, readonly Node[]>();

  constructor(e: Builder, origins: Origins, inTurn: (node: Node, inputs: readonly Node[]) => Node | undefined) {
    this.e = e;
    this.origins = origins;
    this.inTurn = inTurn;
  }

  /** What takes the place of a loop (its first result) or of a pick; undefined for other nodes. */
  replace(node: Node, inputs: readonly Node[]): Node | undefined {
    if (node.op === "pick") return this.results.get(node.inputs[0] as Node)?.[node.attrs.index];
    if (node.op !== "loop") return undefined;
    const results = this.unroll(node, inputs);
    this.results.set(node, results);
    return results[0];
  }

  private unroll(loop: Loop, inputs: readonly Node[]): readonly Node[] {
    const { trip, body, carries, slices, reverse } = loop.attrs;
    const order = topological(body.results);
    this.checkSize(loop, order.length * trip);
    let carried = inputs.slice(0, carries);
    const stacks: Node[][] = body.results.slice(carries).map(() => []);
    for (let turn = 0; turn < trip; turn++) {
      const at = reverse ? trip - 1 - turn : turn;
      const became = new Map<Node, Node>();
      for (const leaf of order) {
        if (leaf.op !== "leaf") continue;
        const position = Number(leaf.attrs.path);
        if (leaf.attrs.kind === "carry") became.set(leaf, carried[position] as Node);
        if (leaf.attrs.kind === "slice") became.set(leaf, this.slice(inputs[carries + position] as Node, at));
        if (leaf.attrs.kind === "capture") became.set(leaf, inputs[carries + slices + position] as Node);
        if (leaf.attrs.kind === "iteration") became.set(leaf, this.e.scalar(at, "i32"));
      }
      const made = rebuild(this.e, body.results, (n, i) => this.replace(n, i) ?? this.inTurn(n, i), { became, around: (n, make) => this.under(n, make) });
      carried = made.slice(0, carries);
      stacks.forEach((stack, i) => {
        stack[at] = made[carries + i] as Node;
      });
    }
    return [...carried, ...stacks.map((turns) => this.stack(turns))];
  }

  /** What a node of a body becomes stems from where the node does. */
  private under(node: Node, make: () => Node): Node {
    const origin = this.origins.get(node);
    return origin ? this.e.withOrigin(origin, make) : make();
  }

  private slice(x: Node, at: number): Node {
    const turn = this.turnsOf.get(x)?.[at];
    if (turn) return turn;
    const shape = x.type.shape.slice(1);
    const index = [whole(constant(at, shape.length)), ...shape.map((_, a) => whole(unit(a, shape.length)))];
    return this.e.view(x, { shape, index, guards: [] });
  }

  private stack(turns: readonly Node[]): Node {
    const rows = turns.map((t) => this.e.broadcast(t, [1, ...t.type.shape], t.type.shape.map((_, a) => a + 1)));
    const [only] = rows;
    const stack = rows.length === 1 && only ? only : this.e.concat(rows, 0);
    this.turnsOf.set(stack, turns);
    return stack;
  }

  private checkSize(loop: Loop, nodes: number): void {
    if (nodes <= mostNodes) return;
    const span = this.origins.get(loop)?.spans[0];
    throw new UserError({
      code: "E0610",
      message: `this loop of ${loop.attrs.trip} turns becomes ${nodes} operations; at most ${mostNodes} are supported`,
      unsupported: true,
      hint: "fewer turns or a smaller body",
      ...(span ? { span } : {}),
    });
  }
}
