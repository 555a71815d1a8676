/**
 * Fits an entry into a budget of bytes by making some values of the forward pass anew in the backward pass. Comes in: the kernels in order,
 * the budget, what a kernel's run costs. Goes out: the kernels with some of them repeated (replay.ts); unchanged where they fit as they are.
 *
 *     budget 64 MB:   h1 h2 h3 h4 … dh4 dh3 …      h1 h2 h3 h4 … h3' h4' dh4 dh3 … h1' h2' dh2 …
 *
 * Two numbers span the plans that are tried: what a byte may cost to make anew (elementwise values before products), and after how many
 * bytes that are let go one value is kept nevertheless, so that a chain is made anew segment by segment. Of the plans that fit, the one
 * with the least time repeated is taken, and what it lets go in vain is put back.
 */
import type { Buffer, Kernel } from "../ir/kernel.ts";
import { UserError } from "../support/diagnostic.ts";
import { liveness, lowerBound } from "./liveness.ts";
import { align, bytesOf } from "./placement.ts";
import { Replay } from "./replay.ts";

/** What is asked for. */
export interface RecomputeOptions {
  readonly entry: string;
  /** Bytes that the values between kernels may take at once. */
  readonly budget: number;
  /** What a run of a kernel costs, in any unit. */
  readonly cost: (kernel: Kernel) => number;
  /** Bytes that the kernels' values between them take when they are placed. */
  readonly placed: (kernels: readonly Kernel[]) => number;
}

/** No plan fits the budget; `least` is what the smallest one needs, in bytes. */
export class OverBudget extends UserError {
  readonly least: number;
  constructor(entry: string, least: number, budget: number) {
    super({
      code: "E0611",
      message: `${entry} needs ${count(least)} bytes of memory between its kernels, however much is computed twice; --memory allows ${count(budget)}`,
      hint: "allow more, or make the batch smaller: --set batch=…",
    });
    this.least = least;
  }
}

/** A way to run the entry. */
interface Trial {
  readonly gone: ReadonlySet<Buffer>;
  readonly kernels: readonly Kernel[];
  readonly cost: number;
  readonly bytes: number;
}

/** Parts of all bytes between two values that are kept. */
const segments = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64] as const;
const mostPrices = 10;
const mostPutBack = 200;

/** Throws an OverBudget (E0611) when no plan fits, with the least that one needs. */
export function recompute(kernels: readonly Kernel[], options: RecomputeOptions): readonly Kernel[] {
  const { budget, placed } = options;
  if (placed(kernels) <= budget) return kernels;
  const search = new Search(kernels, options);
  const trials = search.all();
  // Placing may need some more than what lives at once: then one with more room is looked for.
  for (let room = budget; ; ) {
    const fitting = trials.filter((t) => t.bytes <= room).sort((x, y) => x.cost - y.cost || x.bytes - y.bytes);
    const [best] = fitting;
    if (!best) break;
    const better = search.putBack(best, room);
    const bytes = placed(better.kernels);
    if (bytes <= budget) return better.kernels;
    room = Math.min(room - 1, better.bytes - 1, Math.floor((room * budget) / bytes));
  }
  const least = Math.min(placed(kernels), ...trials.sort((x, y) => x.bytes - y.bytes).slice(0, 8).map((t) => placed(t.kernels)));
  if (least <= budget) return (trials.find((t) => placed(t.kernels) <= budget) ?? { kernels }).kernels;
  throw new OverBudget(options.entry, least, budget);
}

/** 1,600,000 */
const count = (n: number): string => String(Math.ceil(n)).replace(/\B(?=(\d{3})+$)/g, ",");
const bytes = (b: Buffer): number => align(bytesOf(b));

class Search {
  private readonly replay: Replay;
  private readonly costs: readonly number[];
  /** Kernels that make values which may go, with those values, in order. */
  private readonly makers: readonly { readonly at: number; readonly values: readonly Buffer[]; readonly bytes: number; readonly price: number }[];

  constructor(kernels: readonly Kernel[], { cost }: RecomputeOptions) {
    this.replay = new Replay(kernels);
    this.costs = kernels.map(cost);
    const by = new Map<number, Buffer[]>();
    for (const { buffer, made } of this.replay.values.values()) by.set(made, [...(by.get(made) ?? []), buffer]);
    this.makers = [...by].sort(([a], [b]) => a - b).map(([at, values]) => {
      const size = values.reduce((sum, b) => sum + bytes(b), 0);
      return { at, values, bytes: size, price: (this.costs[at] ?? 0) / size };
    });
  }

  /** The plans that are tried. */
  all(): Trial[] {
    const prices = [...new Set(this.makers.map((m) => m.price))].sort((a, b) => a - b);
    const some = prices.filter((_, k) => prices.length <= mostPrices || (k + 1) % Math.ceil(prices.length / mostPrices) === 0 || k === prices.length - 1);
    return some.flatMap((price) => {
      const cheap = this.makers.filter((m) => m.price <= price);
      const total = cheap.reduce((sum, m) => sum + m.bytes, 0);
      return segments.map((parts) => {
        const gone = new Set<Buffer>();
        let since = 0;
        for (const m of cheap) {
          since += m.bytes;
          if (parts > 1 && since > total / parts) since = 0;
          else for (const b of m.values) gone.add(b);
        }
        return this.tried(gone);
      });
    });
  }

  /** Keeps the dearest of what a plan lets go, as far as it still fits. */
  putBack(best: Trial, room: number): Trial {
    let trial = best;
    const dear = this.makers.filter((m) => m.values.some((b) => best.gone.has(b))).sort((a, b) => b.price - a.price).slice(0, mostPutBack);
    for (const { values } of dear) {
      const next = this.tried(new Set([...trial.gone].filter((b) => !values.includes(b))));
      if (next.bytes <= room && next.cost <= trial.cost) trial = next;
    }
    return trial;
  }

  /** A plan without values, or with those of them that cannot go. */
  private tried(wanted: ReadonlySet<Buffer>): Trial {
    let gone = wanted;
    for (;;) {
      const { kernels, repeated, needed } = this.replay.without(gone);
      if (needed.size > 0) {
        gone = new Set([...gone].filter((b) => !needed.has(b)));
        continue;
      }
      const temps = new Map([...liveness(kernels)].filter(([b]) => b.place === "temp"));
      return { gone, kernels, cost: repeated.reduce((sum, at) => sum + (this.costs[at] ?? 0), 0), bytes: lowerBound(temps, bytes, kernels.length) };
    }
  }
}
