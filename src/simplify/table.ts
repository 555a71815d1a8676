/**
 * The table of rewrite rules, in the order in which they are tried. The order decides only which of several rules
 * takes a node first: shuffled, the values are the same.
 *
 * Why it ends. Read a graph as the multiset of its nodes and compare, in this order:
 *   1. unstable forms (log of what has a known logarithm, unshifted exponentials, log1p of a bare exp): only
 *      `stable` and `softmaxes` touch them, and nothing makes one;
 *   2. conditions on positions that are no guards of views, and masks: `positions` turns them into guards, never back;
 *   3. products under sums, sums over windows of contractions, and contractions that are not in the form of `contractions`:
 *      nothing makes one out of one that is;
 *   4. elements computed: reductions, broadcasts and gathers move only to where there is less to compute, factors only
 *      come together, nothing is multiplied out;
 *   5. operations, and terms that sums add up;
 *   6. how far minus signs and selects are from the outputs, and stops from the inputs;
 *   7. the order of operands.
 * Each rule lowers the first of these that it changes. The driver's cap turns a mistake here into an InternalError.
 *
 * What they assume: values are finite. What they never do: turn a `finite` into something else, reach across a `mark`,
 * cancel a factor that is not proven positive, make an index or a condition less exact.
 */
import { arithmetic } from "./rules/arithmetic.ts";
import { choices } from "./rules/choices.ts";
import { constants } from "./rules/constants.ts";
import { contractions } from "./rules/contractions.ts";
import { gathers } from "./rules/gathers.ts";
import { identities } from "./rules/identities.ts";
import { positions } from "./rules/positions.ts";
import { putBack } from "./rules/put-back.ts";
import { quotients } from "./rules/quotients.ts";
import { reductions } from "./rules/reductions.ts";
import { signs } from "./rules/signs.ts";
import { softmaxes } from "./rules/softmax.ts";
import { stable } from "./rules/stable.ts";
import { views } from "./rules/views.ts";
import { weightedSums } from "./rules/weighted-sums.ts";
import { windows } from "./rules/windows.ts";
import type { Rule } from "./rule.ts";

/** All rules. */
export const table: readonly Rule[] = [
  ...constants,
  ...identities,
  ...signs,
  ...views,
  ...stable,
  ...softmaxes,
  ...quotients,
  ...weightedSums,
  ...choices,
  ...arithmetic,
  ...positions,
  ...gathers,
  ...putBack,
  ...contractions,
  ...windows,
  ...reductions,
];
