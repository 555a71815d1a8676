/**
 * Where an adjoint is kept: the condition outside of which choices make it 0. Comes in: adjoints, sums of choices among them.
 * Goes out: the condition, or undefined where nothing is known and the adjoint may be something everywhere.
 *
 *     select(c, g, 0) + select(d, h, 0)          is kept where c ∨ d
 *     select(c, g, 0) + select(¬c ∧ d, h, 0)     where c ∨ d;  with select(¬c ∧ ¬d, k, 0) beside it: everywhere
 *
 * A value that several choices use gets such a sum, and where none of them takes it 0 times an infinite slope would be NaN. So
 * before a rule with such a slope is asked, the sum is written as one choice (`asChoice`), which `selected` then carries on.
 * The condition goes element by element: it is not followed through sums over elements, nor from one turn of a loop to another.
 */
import type { Emit } from "../ir/emit.ts";
import type { Node } from "../ir/node.ts";
import { isZero } from "../ops/operands.ts";
import type { Derivation } from "./derivation.ts";

/** The adjoint of `node`, or where `isSteep` the same value as one choice, if choices keep it and something joins them: a sum, or a choice between two of them. */
export function asChoice(d: Derivation, node: Node, g: Node, isSteep: () => boolean): Node {
  const { where, behind } = d.kept;
  const joined = behindChoices(behind, g);
  if ((joined.op !== "add" && joined.op !== "select") || !isSteep()) return g;
  return d.under(node, `where choices keep the gradient of ${node.op}`, () => {
    const kept = keptWhere(d.e, where, joined) && keptWhere(d.e, where, g);
    let bare = g;
    for (let choice = choiceOf(bare); choice; choice = choiceOf(bare)) bare = choice.kept;
    return kept ? d.e.select(kept, bare, d.e.like(g, 0)) : g;
  });
}

interface Choice {
  readonly condition: Node;
  readonly truth: boolean;
  readonly kept: Node;
}

/** A choice between something and 0. */
function choiceOf(node: Node): Choice | undefined {
  if (node.op !== "select") return undefined;
  const [condition, then, otherwise] = node.inputs as readonly [Node, Node, Node];
  if (isZero(otherwise)) return { condition, truth: true, kept: then };
  return isZero(then) ? { condition, truth: false, kept: otherwise } : undefined;
}

/** What is chosen, behind choices between it and 0 and what only moves elements. */
function behindChoices(behind: Map<Node, Node>, g: Node): Node {
  const way: Node[] = [];
  for (let at: Node | undefined = g; at; at = at.op === "view" || at.op === "reshape" ? at.inputs[0] : choiceOf(at)?.kept) {
    const found = behind.get(at);
    way.push(found ?? at);
    if (found) break;
  }
  const last = way.at(-1) as Node;
  for (const node of way) behind.set(node, last);
  return last;
}

/** The nodes that the condition of a node is made from. */
function asked(node: Node): readonly Node[] {
  if (isZero(node)) return [];
  if (node.op === "add" || node.op === "neg" || node.op === "view" || node.op === "reshape") return node.inputs;
  // A rule scales an adjoint by something that need not be looked into.
  if (node.op === "mul") return node.inputs.filter((x) => x.op === "select" || isZero(x)).slice(0, 1);
  const choice = choiceOf(node);
  return choice ? [choice.kept] : node.op === "select" ? node.inputs.slice(1) : [];
}

/** The condition of one adjoint, after those that it is made of: sums of a hundred thousand terms are no deeper than one. */
function keptWhere(e: Emit, known: Derivation["kept"]["where"], g: Node): Node | undefined {
  const open = [g];
  for (let at = open.at(-1); at; at = open.at(-1)) {
    const missing = known.has(at) ? [] : asked(at).filter((x) => !known.has(x));
    if (missing.length > 0) {
      open.push(...missing);
      continue;
    }
    if (!known.has(at)) known.set(at, keptOf(e, known, at));
    open.pop();
  }
  return known.get(g);
}

function keptOf(e: Emit, known: Derivation["kept"]["where"], node: Node): Node | undefined {
  if (isZero(node)) return e.const({ dtype: "bool", shape: node.type.shape }, 0);
  const [a, b] = asked(node).map((x) => known.get(x));
  if (node.op === "add") return a && b && either(e, a, b);
  if (node.op === "view") return a && e.view(a, node.attrs.map);
  if (node.op === "reshape") return a && e.reshape(a, node.attrs.shape);
  const choice = choiceOf(node);
  if (!choice && node.op === "select") return a && b && either(e, both(e, a, node.inputs[0] as Node), both(e, b, opposite(e, node.inputs[0] as Node)));
  if (!choice) return a;
  const here = choice.truth ? choice.condition : opposite(e, choice.condition);
  const inside = known.get(choice.kept);
  return inside ? both(e, inside, here) : here;
}

function opposite(e: Emit, c: Node): Node {
  return c.op === "not" ? (c.inputs[0] as Node) : e.not(c);
}

function areOpposite(a: Node, b: Node): boolean {
  return (a.op === "not" && a.inputs[0] === b) || (b.op === "not" && b.inputs[0] === a);
}

/** The operands of a conjunction; none of anything else. */
function conjuncts(c: Node): readonly Node[] {
  return c.op === "logic" && c.attrs.kind === "and" ? c.inputs : [];
}

function both(e: Emit, a: Node, b: Node): Node {
  if (a === b || isZero(a) || conjuncts(a).includes(b)) return a;
  return conjuncts(b).includes(a) ? b : e.logic("and", a, b);
}

/** a ∨ b, undefined where it holds everywhere: what all cases of a definition take is taken. */
function either(e: Emit, a: Node, b: Node): Node | undefined {
  if (a === b || isZero(b) || conjuncts(b).includes(a)) return a;
  if (isZero(a) || conjuncts(a).includes(b)) return b;
  if (areOpposite(a, b)) return undefined;
  for (const shared of conjuncts(a)) {
    // p ∧ q ∨ p ∧ ¬q = p
    const [p, q] = [conjuncts(a), conjuncts(b)].map((of) => of.find((x) => x !== shared));
    if (p && q && conjuncts(b).includes(shared) && areOpposite(p, q)) return shared;
  }
  // p ∨ ¬p ∧ q = p ∨ q
  const rest = (p: Node, c: Node): Node | undefined => (conjuncts(c).some((x) => areOpposite(x, p)) ? conjuncts(c).find((x) => !areOpposite(x, p)) : undefined);
  return e.logic("or", rest(b, a) ?? a, rest(a, b) ?? b);
}
