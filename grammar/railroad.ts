/**
 * Railroad diagrams: a part of the grammar as SVG. Comes in: a rule's body, as boxes, rows, choices and loops. Goes out:
 * the text of an `<svg>` without scripts, fonts or references to anything outside; its colours come from the page's CSS.
 *
 *     railroad(row([word("use", true), option(rule("alias"))]))   // "<svg class=\"railroad\" width=…"
 *
 * Read from left to right; a track that runs above a part leaves it out, one that runs below repeats it.
 */

/** A diagram, or a part of one: its size, how far it reaches above and below its track, and its drawing from a point on. */
export interface Track {
  readonly width: number;
  readonly up: number;
  readonly down: number;
  readonly draw: (x: number, y: number) => string;
}

const characterWidth = 7.25;
const boxHeight = 22;
/** Between parts of a row, and the radius of every curve. */
const gap = 10;
const radius = 8;
const between = 8;

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
const n = (value: number): string => String(Math.round(value * 100) / 100);
const path = (d: string): string => `<path d="${d}"/>`;
const straight = (x: number, y: number, to: number): string => (to > x ? path(`M${n(x)} ${n(y)}H${n(to)}`) : "");

function box(text: string, kind: "word" | "kind" | "rule"): Track {
  const width = [...text].length * characterWidth + 18;
  const round = kind === "rule" ? 0 : boxHeight / 2;
  const draw = (x: number, y: number): string => {
    const shape = `<rect class="${kind}" x="${n(x)}" y="${n(y - boxHeight / 2)}" width="${n(width)}" height="${boxHeight}" rx="${round}"/>`;
    const label = `<text class="${kind}" x="${n(x + width / 2)}" y="${n(y + 4)}">${escaped(text)}</text>`;
    return kind === "rule" ? `<a href="#${escaped(text)}">${shape}${label}</a>` : shape + label;
  };
  return { width, up: boxHeight / 2, down: boxHeight / 2, draw };
}

/** A token: one that is written so, or any of a kind. */
export const word = (text: string, literal: boolean): Track => box(text, literal ? "word" : "kind");
/** Another rule; a link to its place on the page. */
export const rule = (name: string): Track => box(name, "rule");
/** Nothing. */
export const nothing: Track = { width: 0, up: 0, down: 0, draw: () => "" };

/** One after the other. */
export function row(parts: readonly Track[]): Track {
  if (parts.length === 0) return nothing;
  const width = parts.reduce((sum, p) => sum + p.width, 0) + gap * (parts.length - 1);
  return {
    width, up: Math.max(...parts.map((p) => p.up)), down: Math.max(...parts.map((p) => p.down)),
    draw: (x, y) => {
      let at = x;
      return parts.map((p, k) => {
        const line = k === 0 ? "" : straight(at, y, at + gap);
        if (k > 0) at += gap;
        const drawn = line + p.draw(at, y);
        at += p.width;
        return drawn;
      }).join("");
    },
  };
}

/** A track from (x, y) to a part at another height, and on from there: curves at both ends. */
function detour(x: number, y: number, width: number, to: number, part: Track): string {
  const side = to > y ? 1 : -1;
  const inner = width - 4 * radius;
  const start = x + 2 * radius;
  const lead = (inner - part.width) / 2;
  const curveIn = path(`M${n(x)} ${n(y)}q${radius} 0 ${radius} ${n(side * radius)}V${n(to - side * radius)}q0 ${n(side * radius)} ${radius} ${n(side * radius)}`);
  const end = x + width;
  const curveOut = path(`M${n(end - 2 * radius)} ${n(to)}q${radius} 0 ${radius} ${n(-side * radius)}V${n(y + side * radius)}q0 ${n(-side * radius)} ${radius} ${n(-side * radius)}`);
  return curveIn + straight(start, to, start + lead) + part.draw(start + lead, to) + straight(start + lead + part.width, to, start + inner) + curveOut;
}

/** One of several: the first on the track, the others below it. */
export function choice(parts: readonly Track[]): Track {
  const [first, ...others] = parts;
  if (!first || others.length === 0) return first ?? nothing;
  const inner = Math.max(...parts.map((p) => p.width)) + gap;
  const width = inner + 4 * radius;
  const offsets: number[] = [];
  let low = first.down;
  for (const part of others) {
    low += Math.max(between + part.up, offsets.length === 0 ? 2 * radius : 0);
    offsets.push(low);
    low += part.down;
  }
  return {
    width, up: first.up, down: low,
    draw: (x, y) => {
      const lead = (inner - first.width) / 2 + 2 * radius;
      const top = straight(x, y, x + lead) + first.draw(x + lead, y) + straight(x + lead + first.width, y, x + width);
      return top + others.map((part, k) => detour(x, y, width, y + (offsets[k] ?? 0), part)).join("");
    },
  };
}

/** Perhaps: a track above leaves it out. */
export function option(part: Track): Track {
  const width = part.width + 4 * radius;
  const above = Math.max(part.up + between, 2 * radius);
  return {
    width, up: above, down: part.down,
    draw: (x, y) => straight(x, y, x + 2 * radius) + part.draw(x + 2 * radius, y) + straight(x + 2 * radius + part.width, y, x + width) + detour(x, y, width, y - above, nothing),
  };
}

/** Once or more: a track below leads back. */
export function loop(part: Track): Track {
  const width = part.width + 4 * radius;
  const below = Math.max(part.down + between, 2 * radius);
  return {
    width, up: part.up, down: below,
    draw: (x, y) => {
      const [left, right, low] = [x + 2 * radius, x + width - 2 * radius, y + below];
      const back = path(`M${n(right)} ${n(y)}q${radius} 0 ${radius} ${radius}V${n(low - radius)}q0 ${radius} ${-radius} ${radius}H${n(left)}q${-radius} 0 ${-radius} ${-radius}V${n(y + radius)}q0 ${-radius} ${radius} ${-radius}`);
      const middle = (left + right) / 2;
      const arrow = path(`M${n(middle + 4)} ${n(low - 4)}L${n(middle - 2)} ${n(low)}L${n(middle + 4)} ${n(low + 4)}`);
      return straight(x, y, left) + part.draw(left, y) + straight(right, y, x + width) + back + arrow;
    },
  };
}

/** The whole diagram of a rule, with its ends. */
export function railroad(track: Track, title: string): string {
  const margin = 14;
  const lead = 18;
  const width = track.width + 2 * (margin + lead);
  const height = track.up + track.down + 2 * margin;
  const y = margin + track.up;
  const ends = [margin, width - margin].map((x) => `<circle cx="${n(x)}" cy="${n(y)}" r="4"/>`).join("");
  const body = straight(margin, y, margin + lead) + track.draw(margin + lead, y) + straight(margin + lead + track.width, y, width - margin);
  return `<svg class="railroad" role="img" aria-label="${escaped(title)}" width="${n(width)}" height="${n(height)}" viewBox="0 0 ${n(width)} ${n(height)}">${body}${ends}</svg>`;
}
