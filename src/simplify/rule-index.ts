/**
 * Which rules may fit a node, by its op and the ops of its inputs. In: rules in the order in which they are tried. Out: for a node those of them
 * whose `over` holds, in that order.
 *
 *     new RuleIndex(table).of(mul(x, exp(y)))      // no rule on constants, signs or quotients
 *
 * A node meets a rule in one try of a hundred. What is asked of the inputs' ops is asked once for each combination of ops that there is.
 */
import type { Node, OpName } from "../ir/node.ts";
import type { Rule } from "./rule.ts";

/** More than there are ops. */
const base = 64;
/** Inputs told apart at most: of more, rules are asked one by one. */
const mostInputs = 4;

/** Rules by what they look at first. */
export class RuleIndex {
  private readonly rules: readonly Rule[];
  private readonly numbers = new Map<OpName, number>();
  private readonly found = new Map<number, readonly Rule[]>();

  constructor(rules: readonly Rule[]) {
    this.rules = rules;
  }

  /** The rules that may fit. */
  of(node: Node): readonly Rule[] {
    const { inputs } = node;
    if (inputs.length > mostInputs) return fitting(this.rules, node);
    let key = this.numberOf(node.op);
    for (const x of inputs) key = key * base + this.numberOf(x.op);
    const known = this.found.get(key);
    if (known) return known;
    const made = fitting(this.rules, node);
    this.found.set(key, made);
    return made;
  }

  /** From 1 on, so that no input is no leading zero. */
  private numberOf(op: OpName): number {
    const known = this.numbers.get(op);
    if (known !== undefined) return known;
    const made = this.numbers.size + 1;
    this.numbers.set(op, made);
    return made;
  }
}

function fitting(rules: readonly Rule[], { op, inputs }: Node): readonly Rule[] {
  const ops = inputs.map((x) => x.op);
  return rules.filter((r) => r.ops.includes(op) && r.over(ops, op));
}
