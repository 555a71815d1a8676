/** Ways between groups against a search of everything, on random graphs whose groups are merged as fusion merges them. */
import { describe, expect, it } from "vitest";
import { Builder } from "../../src/graph/builder.ts";
import type { Node } from "../../src/ir/node.ts";
import { resolved, type Stop, Ways } from "../../src/schedule/ways.ts";
import { chooser } from "../properties/mutate.ts";

interface Case {
  readonly stops: readonly Stop[];
  readonly ways: Ways;
}

/** Roots 0, 1, …: each reads up to three of those before it, mostly of the last few. */
function caseOf(seed: number, count: number): Case {
  const below = chooser(seed);
  const builder = new Builder();
  const nodes = Array.from({ length: count }, (_, i): Node => builder.leaf({ kind: "param", path: `p${i}`, type: { dtype: "f32", shape: [] } }));
  const readers = new Map<Node, Node[]>(nodes.map((n) => [n, []]));
  const stops: Stop[] = [];
  nodes.forEach((node, i) => {
    const sources = new Set(Array.from({ length: i === 0 ? 0 : below(4) }, () => (below(4) === 0 ? below(i) : Math.max(0, i - 1 - below(4)))));
    const before = [...sources].flatMap((s) => stops[s] ?? []);
    const stop: Stop = { members: [node], level: Math.max(0, ...before.map((b) => b.level + 1)), followers: [], before };
    for (const s of sources) readers.get(nodes[s] as Node)?.push(node);
    for (const b of before) b.followers.push(stop);
    stops.push(stop);
  });
  return { stops, ways: new Ways(nodes, (n) => readers.get(n) ?? []) };
}

function searched(from: Stop, to: Stop): boolean {
  const seen = new Set<Stop>();
  const work = from.followers.map((s) => resolved(s)).filter((s) => s !== to && s !== from);
  for (let s = work.pop(); s; s = work.pop()) {
    if (s === to) return true;
    if (seen.has(s)) continue;
    seen.add(s);
    work.push(...s.followers.map((f) => resolved(f)));
  }
  return false;
}

describe("ways", () => {
  it.each(Array.from({ length: 40 }, (_, i) => i + 1))("are found as a search of everything finds them (%i)", (seed) => {
    const { stops, ways } = caseOf(seed, 40);
    const below = chooser(seed + 1000);
    const live = new Set(stops);
    let merges = 0;
    for (let turn = 0; turn < 60; turn++) {
      const all = [...live];
      const [x, y] = [all[below(all.length)], all[below(all.length)]];
      if (!x || !y || x === y) continue;
      for (const [from, to] of [[x, y], [y, x]] as const) expect(ways.through(from, to)).toBe(searched(from, to));
      if (ways.through(x, y) || ways.through(y, x)) continue;
      x.members = [...x.members, ...y.members];
      live.delete(y);
      ways.merged(x, y);
      merges++;
    }
    expect(merges).toBeGreaterThan(0);
  });

  it("are settled along a chain of a thousand without a search", () => {
    const builder = new Builder();
    const nodes = Array.from({ length: 1000 }, (_, i): Node => builder.leaf({ kind: "param", path: `p${i}`, type: { dtype: "f32", shape: [] } }));
    const stops: Stop[] = [];
    for (const [i, node] of nodes.entries()) {
      const before = stops.slice(-1);
      stops.push({ members: [node], level: i, followers: [], before });
      before[0]?.followers.push(stops[i] as Stop);
    }
    const ways = new Ways(nodes, (n) => nodes.slice(nodes.indexOf(n) + 1).slice(0, 1));
    expect(ways.through(stops[0] as Stop, stops[999] as Stop)).toBe(true);
    expect(ways.through(stops[0] as Stop, stops[1] as Stop)).toBe(false);
    expect(ways.through(stops[999] as Stop, stops[0] as Stop)).toBe(false);
  });
});
