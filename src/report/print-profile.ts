/**
 * A profile as a table for people. In: what was measured of an entry, where it ran, how wide the terminal is. Out: text, the kernels
 * that took longest first.
 *
 *     #  computes  kernel        from                        time  share    model   FLOP  bytes  FLOP/s  bound by
 *     1  h1        contract 8x8  mlp.dl:6 dense(x, 512)   41.2 ms   31 %  39.8 ms  103 M  2.3 M   2.5 G  accesses
 */
import { positionOf } from "../support/span.ts";
import type { Span } from "../support/span.ts";
import type { EntryProfile, KernelProfile } from "./profile-entry.ts";

export interface PrintProfileOptions {
  /** What it ran on, for people. */
  readonly where: string;
  /** Kernels that are shown; the rest is one line. */
  readonly most: number;
  readonly model: string;
}

const mostText = 28;

/** The table, with a summary above it. */
export function printProfile(profile: EntryProfile, { where, most, model }: PrintProfileOptions): string {
  const { kernels, limits } = profile;
  const sum = kernels.reduce((s, k) => s + k.measured, 0);
  const flops = kernels.reduce((s, k) => s + k.work.flops, 0);
  const shown = [...kernels].sort((a, b) => b.measured - a.measured || a.dispatch - b.dispatch).slice(0, most);
  const rest = kernels.length - shown.length;
  const share = (seconds: number): string => `${((100 * seconds) / Math.max(sum, 1e-12)).toFixed(0)} %`;
  const examples = profile.examples === undefined ? "" : ` on ${profile.examples} examples`;
  const rows = shown.map((k) => [
    String(k.dispatch), k.computes, k.family, k.span ? printPlace(k.span) : "", printSeconds(k.measured), share(k.measured), printSeconds(k.predicted), printCount(k.work.flops), printCount(k.work.bytes), printRate(k), k.bound,
  ]);
  const left = shown.reduce((s, k) => s - k.measured, sum);
  return [
    `${profile.entry} of ${model}${examples}, ${where}`,
    `${kernels.length} ${kernels.length === 1 ? "dispatch" : "dispatches"}, ${printSeconds(profile.whole)} a run, of which kernels ${printSeconds(sum)}; ${printCount(flops)}FLOP, ${printCount(flops / profile.whole)}FLOP/s`,
    `measured limits: ${printCount(limits.operations)}FLOP/s, ${printCount(limits.accesses)} accesses/s, copies ${printCount(limits.bandwidth)}B/s, ${printSeconds(limits.dispatch)} a dispatch`,
    "",
    ...table([["#", "computes", "kernel", "from", "time", "share", "model", "FLOP", "bytes", "FLOP/s", "bound by"], ...rows], [1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0]),
    ...(rest > 0 ? [`   and ${rest} more, ${printSeconds(left)} in all (${share(left)})`] : []),
    "",
    profile.timestamps ? `medians of ${profile.runs} runs, each kernel between two timestamps of the device` : "the device has no timestamps: kernels were repeated, and what an empty submission takes subtracted",
    "",
  ].join("\n");
}

/** `mlp.dl:5 dense(x, 512)`. */
function printPlace(span: Span): string {
  const text = span.source.text.slice(span.start, span.end).replaceAll(/\s+/g, " ");
  const file = span.source.path.split(/[/\\]/).at(-1) ?? "";
  return `${file}:${positionOf(span.source, span.start).line} ${text.length > mostText ? `${text.slice(0, mostText - 1)}…` : text}`;
}

function printRate({ work, measured }: KernelProfile): string {
  return measured > 0 ? printCount(work.flops / measured) : "";
}

/** `41.2 ms`, `870 µs`. */
export function printSeconds(seconds: number): string {
  if (seconds >= 1) return `${seconds.toPrecision(3)} s`;
  if (seconds >= 1e-3) return `${(seconds * 1e3).toPrecision(3)} ms`;
  return `${(seconds * 1e6).toPrecision(seconds >= 1e-6 ? 3 : 2)} µs`;
}

/** `103 M`, `2.31 G`; the unit follows. */
function printCount(n: number): string {
  const [by, prefix] = n >= 1e12 ? [1e12, "T"] : n >= 1e9 ? [1e9, "G"] : n >= 1e6 ? [1e6, "M"] : n >= 1e3 ? [1e3, "k"] : [1, ""];
  const value = n / by;
  return `${value >= 100 || (by === 1 && Number.isInteger(value)) ? value.toFixed(0) : value.toPrecision(3)} ${prefix}`;
}

/** Columns as wide as they need, to the left or (1) to the right. */
function table(rows: readonly (readonly string[])[], right: readonly number[]): readonly string[] {
  const widths = right.map((_, c) => Math.max(...rows.map((r) => (r[c] ?? "").trimEnd().length)));
  return rows.map((r) => r.map((cell, c) => (right[c] === 1 ? cell.trimEnd().padStart(widths[c] ?? 0) : cell.padEnd(widths[c] ?? 0))).join("  ").trimEnd());
}
