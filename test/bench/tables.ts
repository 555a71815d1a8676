/**
 * Results as text. Comes in: what was measured. Goes out: a table of steps, one of first steps, and what the losses say, for a
 * terminal or as Markdown.
 */
import { measuredNames } from "./contender.ts";
import { goalHead, goalRows } from "./goals.ts";
import { comparedSteps, type Effort, type Measured } from "./interleave.ts";
import type { WorkloadName } from "./workloads.ts";

export interface WorkloadResult {
  readonly workload: WorkloadName;
  /** Load average of the machine when it began: other work makes every time longer. */
  readonly load: number;
  readonly measured: readonly Measured[];
}

export interface Results {
  readonly date: string;
  readonly adapter: string;
  readonly node: string;
  readonly processor: string;
  readonly cores: number;
  readonly effort: Effort;
  readonly workloads: readonly WorkloadResult[];
}

/** Losses agree when they differ by no more than this part of their size. */
export const agreement = 1e-4;

export function tables(all: Results, markdown: boolean): string {
  const print = (head: readonly string[], rows: readonly (readonly string[])[]): string => (markdown ? markdownTable(head, rows) : textTable(head, rows));
  const steps = all.workloads.flatMap(({ workload, measured }) => measured.map((m) => stepRow(workload, m, measured.find((n) => n.name === "nabla"))));
  const first = all.workloads.flatMap(({ workload, measured }) => measured.filter((m) => m.firstStepMs !== undefined).map((m) => firstRow(workload, m)));
  const versions = measuredNames.flatMap((name) => {
    const version = all.workloads.flatMap((w) => w.measured).find((m) => m.name === name)?.version;
    return version === undefined || version === "" ? [] : [`${name} ${version}`];
  });
  const wanted = all.workloads.flatMap(({ workload, measured }) => goalRows(workload, measured));
  const loads = all.workloads.map((w) => w.load);
  return [
    `${all.adapter}, ${all.cores} cores (${all.processor}), Node ${all.node.replace("v", "")}, ${all.date.slice(0, 10)}; ${versions.join(", ")}; load ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}; ${all.effort.rounds} rounds, patience ${all.effort.patienceMs / 1000} s\n`,
    print(["workload", "", "ms a step", "best", "processor ms", "× Nabla", "dispatches", "submits", "new buffers", "MB live"], steps),
    print(["first step", "", "ms", "compile", "pipelines", "run", "number of pipelines"], first),
    ...(wanted.length > 0 ? [print(goalHead, wanted)] : []),
    all.workloads.map(({ workload, measured }) => losses(workload, measured, markdown)).join(""),
  ].join("\n");
}

function stepRow(workload: WorkloadName, m: Measured, nabla: Measured | undefined): readonly string[] {
  if (m.error !== undefined || m.stepMs === undefined) return [workload, m.name, m.error?.split("\n")[0] ?? "not measured"];
  const ratio = nabla?.stepMs === undefined ? "" : (m.stepMs / nabla.stepMs).toFixed(1);
  return [
    workload, m.name, short(m.stepMs), short(m.bestMs ?? Number.NaN), m.cpuMs === undefined ? "" : short(m.cpuMs), ratio,
    ...(m.perStep ? [short(m.perStep.dispatches), short(m.perStep.submits), short(m.perStep.createdBuffers), short((m.liveBytes ?? 0) / 1e6)] : ["", "", "", ""]),
  ];
}

function firstRow(workload: WorkloadName, m: Measured): readonly string[] {
  const part = (name: string): string => (m.firstStepParts?.[name] === undefined ? "" : m.firstStepParts[name].toFixed(0));
  return [workload, m.name, (m.firstStepMs ?? 0).toFixed(0), part("compile"), part("pipelines"), part("run"), String(m.pipelines ?? "")];
}

/** One line: whether everybody's losses are those of the first, and where not. */
function losses(workload: WorkloadName, measured: readonly Measured[], markdown: boolean): string {
  const [first, ...others] = measured.filter((m) => m.losses[0] !== undefined);
  if (!first) return `${workload}: no loss\n`;
  const curve = comparedSteps.map((step) => (first.losses[step] === undefined ? "–" : first.losses[step].toPrecision(6))).join(", ");
  const compared = others.map((other) => {
    const both = comparedSteps.filter((step) => first.losses[step] !== undefined && other.losses[step] !== undefined);
    const apart = both.filter((step) => !(differ(first.losses[step], other.losses[step]) <= agreement));
    if (apart.length === 0) return `${other.name} agrees at ${both.join(", ")}`;
    return `${other.name} DIFFERS at ${apart.map((step) => `${step} (${other.losses[step]}, ${differ(first.losses[step], other.losses[step]).toExponential(1)})`).join(", ")}`;
  });
  return `${markdown ? "- " : ""}${workload}: loss at steps ${comparedSteps.join(", ")} is ${curve}${compared.length > 0 ? `; ${compared.join("; ")}` : ""}\n`;
}

/** The difference of two losses as a part of the first. */
export const differ = (a = Number.NaN, b = Number.NaN): number => Math.abs(a - b) / Math.max(Math.abs(a), 1e-6);

/** Three digits that mean something. */
function short(value: number): string {
  if (Number.isInteger(value) || value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value >= 1 ? value.toFixed(2) : value.toPrecision(2);
}

export const markdownTable = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${head.map((_, k) => row[k] ?? "").join(" | ")} |\n`).join("");

/** Columns as wide as they must be; what is beyond the first two stands right. */
export function textTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, k) => Math.max(name.length, ...rows.filter((row) => row.length === head.length).map((row) => row[k]?.length ?? 0)));
  const line = (row: readonly string[]): string => row.map((cell, k) => (k < 2 ? cell.padEnd(widths[k] ?? 0) : cell.padStart(widths[k] ?? 0))).join("  ").trimEnd();
  return `${[head, ...rows].map(line).join("\n")}\n`;
}


/** A text with what stands between two comments, `<!-- name -->` and `<!-- /name -->`, replaced. */
export function withSection(text: string, name: string, content: string): string {
  const [from, to] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [start, end] = [text.indexOf(from), text.indexOf(to)];
  if (start < 0 || end < start) throw new Error(`there is no place for ${name}: the lines ${from} and ${to}`);
  return `${text.slice(0, start + from.length)}\n\n${content.trimEnd()}\n\n${text.slice(end)}`;
}
