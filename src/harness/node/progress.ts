/**
 * The progress of a training run as text. Comes in: one report per epoch (and, between, how far the epoch is). Goes
 * out: on a terminal one line that is redrawn, else one plain line per epoch and no control characters.
 *
 *     const bar = progress({ write, terminal: true, columns: () => 80, total: 40, unit: "epoch", now: Date.now });
 *     bar.update({ at: 3, fraction: 0.5, values: [["loss", 0.412], ["validation accuracy", 0.93]] });
 *     bar.end();
 */

/** Where and how progress is shown. */
export interface ProgressOptions {
  readonly write: (text: string) => void;
  /** True where a line can be redrawn. */
  readonly terminal: boolean;
  /** Width of the terminal; asked again for each line, as windows are resized. */
  readonly columns: () => number;
  /** How many epochs (or steps) there will be at most. */
  readonly total: number;
  /** What is counted: "epoch" or "step". */
  readonly unit: string;
  /** Milliseconds. */
  readonly now: () => number;
}

/** How far the run is. */
export interface ProgressReport {
  /** The epoch that runs or has just ended, from 1. */
  readonly at: number;
  /** How much of it is done, 0 to 1. */
  readonly fraction: number;
  /** What is shown, in order; numbers that are not known yet are left out. */
  readonly values: readonly (readonly [name: string, value: number])[];
}

/** A running display. */
export interface Progress {
  update(report: ProgressReport): void;
  /** Ends the display and leaves the last state as a plain line. */
  end(): void;
  /** Puts a line above the display (a warning, say). */
  note(line: string): void;
}

const REDRAW_MS = 80;
/** Without a terminal, long runs print every n-th epoch. */
const MOST_LINES = 100;
const BLOCKS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"] as const;

/** `0:07`, `12:40`, `1:02:03`. */
export function printTime(milliseconds: number): string {
  const all = Math.max(0, Math.round(milliseconds / 1000));
  const two = (n: number): string => String(n).padStart(2, "0");
  const [hours, minutes, seconds] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

/** Four significant digits, in the shortest form: `0.4123`, `12.35`, `3.1e-7`. */
export function printValue(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e5)) return value.toExponential(2).replace("e+", "e");
  return value.toFixed(size < 10 ? 4 : size < 1000 ? 2 : 0);
}

/** A bar of `width` cells, filled to `fraction` in steps of an eighth of a cell. */
export function printBar(fraction: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, fraction)) * width * 8);
  const full = Math.floor(eighths / 8);
  const part = BLOCKS[eighths % 8] ?? "";
  return `${"█".repeat(full)}${part}`.padEnd(width, "░").slice(0, width);
}

/** A line of blocks for a series, oldest first, resampled to at most `width` cells; empty without two finite values. */
export function sparkline(series: readonly number[], width: number): string {
  const finite = series.filter(Number.isFinite);
  if (finite.length < 2) return "";
  const cells = Math.min(width, finite.length);
  // Each cell shows the mean of the values that fall into it.
  const means = Array.from({ length: cells }, (_, i) => {
    const part = finite.slice(Math.floor((i * finite.length) / cells), Math.max(Math.floor(((i + 1) * finite.length) / cells), Math.floor((i * finite.length) / cells) + 1));
    return part.reduce((a, b) => a + b, 0) / part.length;
  });
  const low = Math.min(...means);
  const high = Math.max(...means);
  return means.map((m) => "▁▂▃▄▅▆▇█"[high === low ? 0 : Math.round(((m - low) / (high - low)) * 7)] ?? "").join("");
}

/** Starts a display. */
export function progress(options: ProgressOptions): Progress {
  const start = options.now();
  let drawnAt = Number.NEGATIVE_INFINITY;
  let last: ProgressReport | undefined;
  let printed = 0;
  const every = Math.ceil(options.total / MOST_LINES);

  const counter = (report: ProgressReport): string => `${options.unit} ${String(report.at).padStart(String(options.total).length)}/${options.total}`;
  const values = (report: ProgressReport): string => report.values.map(([name, value]) => `${name} ${printValue(value)}`).join("  ");
  const done = (report: ProgressReport): number => (report.at - 1 + report.fraction) / options.total;

  const bar = (report: ProgressReport): string => {
    const spent = options.now() - start;
    const left = done(report) > 0.01 ? `${printTime((spent / done(report)) * (1 - done(report)))} left` : "";
    const tail = `  ${counter(report)}  ${[values(report), left].filter((part) => part !== "").join("  ")}`;
    const width = Math.min(30, options.columns() - tail.length - 1);
    return (width >= 5 ? printBar(done(report), width) + tail : tail.trimStart()).slice(0, Math.max(1, options.columns() - 1));
  };
  const plain = (report: ProgressReport): string => `${counter(report)}  ${values(report)}  ${printTime(options.now() - start)}\n`;
  const erase = "\r\u001b[2K";

  return {
    update(report) {
      last = report;
      if (options.terminal) {
        const now = options.now();
        if (now - drawnAt < REDRAW_MS) return;
        drawnAt = now;
        options.write(`${erase}${bar(report)}`);
      } else if (report.fraction >= 1 && report.at - printed >= every) {
        printed = report.at;
        options.write(plain(report));
      }
    },
    note(line) {
      options.write(options.terminal ? `${erase}${line}\n` : `${line}\n`);
      drawnAt = Number.NEGATIVE_INFINITY;
    },
    end() {
      if (last && options.terminal) options.write(`${erase}${plain(last)}`);
      else if (last && last.at > printed && last.values.length > 0) options.write(plain(last));
      last = undefined;
    },
  };
}
