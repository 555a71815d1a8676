/**
 * Which kernels are best built once. Comes in: who would share a dispatch with whom. Goes out: kernels that stay alone, since others have their text.
 *
 *     five gradients of weights, of one text, beside five other sums     ->     the text alone, dispatched five times, not as part of five texts
 *
 * With others a text would be part of as many texts as it has different company, each of which is built, spread over the runs, for a dispatch less.
 */
import type { Kernel, Profile } from "../src/ir/kernel.ts";
import { prices, ratios } from "../src/schedule/prices.ts";
import type { BoundKernel } from "./bound-kernel.ts";
import { building } from "./building.ts";
import { canonicalText } from "./print-kernel.ts";
import type { measure } from "./renumber.ts";

/** What tells kernels apart, and where they run. */
interface Measured {
  readonly sizeOf: (kernel: Kernel) => ReturnType<typeof measure>;
  readonly profile: Profile;
}

/** Kernels of one text: in how many different groups, how many of them with others. */
interface Text {
  readonly kernels: BoundKernel[];
  readonly company: Set<string>;
  joined: number;
}

/** Those whose building once more for each company costs more than the dispatches that company saves. */
export function worthAlone(groups: readonly (readonly BoundKernel[])[], { sizeOf, profile }: Measured): ReadonlySet<Kernel> {
  const price = prices[profile.name];
  const all = groups.flat();
  const texts = new Texts(all, (k) => `${sizeOf(k).accesses} ${sizeOf(k).statements}`);
  const found = new Map<object, Text>();
  for (const members of groups) {
    const company = members.map((k) => texts.numberOf(k)).join();
    for (const kernel of members) {
      const key = texts.of(kernel);
      const text = found.get(key) ?? { kernels: [], company: new Set(), joined: 0 };
      found.set(key, text);
      text.kernels.push(kernel);
      text.company.add(company);
      if (members.length > 1) text.joined++;
    }
  }
  const isWorth = ({ kernels: [kernel], company, joined }: Text): boolean =>
    kernel !== undefined && company.size > 1 && ((company.size - 1) * building(kernel.body, price)) / ratios.runs > joined * price.dispatch;
  return new Set([...found.values()].filter(isWorth).flatMap(({ kernels }) => kernels));
}

/** The same object for kernels of one text. Only those of one size are printed to find out. */
class Texts {
  private readonly sizeOf: (kernel: Kernel) => string;
  private readonly ofSize = new Map<string, Set<object>>();
  private readonly first = new Map<string, object>();
  private readonly known = new Map<object, object>();
  private readonly numbers = new Map<object, number>();

  constructor(kernels: readonly Kernel[], sizeOf: (kernel: Kernel) => string) {
    this.sizeOf = sizeOf;
    for (const kernel of kernels) this.ofSize.set(sizeOf(kernel), (this.ofSize.get(sizeOf(kernel)) ?? new Set()).add(kernel.alike ?? kernel));
  }

  of(kernel: Kernel): object {
    const own = kernel.alike ?? kernel;
    const found = this.known.get(own) ?? this.find(kernel, own);
    this.known.set(own, found);
    return found;
  }

  numberOf(kernel: Kernel): number {
    const text = this.of(kernel);
    const number = this.numbers.get(text) ?? this.numbers.size;
    this.numbers.set(text, number);
    return number;
  }

  private find(kernel: Kernel, own: object): object {
    if ((this.ofSize.get(this.sizeOf(kernel))?.size ?? 0) < 2) return own;
    const text = canonicalText(kernel);
    const first = this.first.get(text) ?? own;
    this.first.set(text, first);
    return first;
  }
}
