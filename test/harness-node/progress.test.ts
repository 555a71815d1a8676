/** What a run shows: a line that is redrawn on a terminal, one plain line per epoch elsewhere. */
import { describe, expect, test } from "vitest";
import { printBar, printTime, printValue, progress, sparkline } from "../../src/harness/node/progress.ts";

function display(terminal: boolean, columns = 80, total = 4) {
  let text = "";
  let time = 0;
  const bar = progress({ write: (s) => { text += s; }, terminal, columns: () => columns, total, unit: "epoch", now: () => time });
  return { bar, pass: (ms: number) => { time += ms; }, text: () => text };
}

describe("without a terminal", () => {
  test("prints one line per ended epoch and no control characters", () => {
    const { bar, pass, text } = display(false);
    for (const at of [1, 2]) {
      for (const fraction of [0.5, 1]) {
        pass(500);
        bar.update({ at, fraction, values: [["loss", 1 / at]] });
      }
    }
    bar.end();
    expect(text()).toBe("epoch 1/4  loss 1.0000  0:01\nepoch 2/4  loss 0.5000  0:02\n");
  });

  test("prints at most a hundred lines, and always the last state", () => {
    const { bar, text } = display(false, 80, 1000);
    for (let at = 1; at <= 995; at++) bar.update({ at, fraction: 1, values: [["loss", 1]] });
    bar.end();
    const lines = text().trimEnd().split("\n");
    expect(lines).toHaveLength(100);
    expect(lines.at(-1)).toContain("995/1000");
  });
});

describe("on a terminal", () => {
  test("redraws one line within the width and ends it plainly", () => {
    for (const columns of [20, 60, 200]) {
      const { bar, pass, text } = display(true, columns);
      for (let at = 1; at <= 4; at++) {
        pass(1000);
        bar.update({ at, fraction: 1, values: [["loss", 0.25], ["validation accuracy", 0.5]] });
      }
      bar.end();
      const drawn = text().split("\r\u001b[2K").slice(1);
      expect(drawn).toHaveLength(5);
      for (const line of drawn.slice(0, 4)) expect([...line].length).toBeLessThan(columns);
      expect(drawn[4]).toBe("epoch 4/4  loss 0.2500  validation accuracy 0.5000  0:04\n");
    }
  });

  test("tells the time left from the time spent", () => {
    const { bar, pass, text } = display(true);
    pass(10_000);
    bar.update({ at: 1, fraction: 1, values: [] });
    expect(text()).toContain("0:30 left");
  });

  test("draws no more often than an eye can see, and a note stands on its own line", () => {
    const { bar, pass, text } = display(true);
    for (let i = 0; i < 100; i++) {
      pass(1);
      bar.update({ at: 1, fraction: i / 100, values: [] });
    }
    expect(text().split("\r").length - 1).toBe(2);
    bar.note("careful");
    expect(text().endsWith("\r\u001b[2Kcareful\n")).toBe(true);
  });
});

test("numbers and times are short", () => {
  expect([0, 0.41234, 12.345, 123456, 3.14e-7, Number.NaN].map(printValue)).toEqual(["0.0000", "0.4123", "12.35", "1.23e5", "3.14e-7", "NaN"]);
  expect([0, 7_400, 754_000, 3_723_000].map(printTime)).toEqual(["0:00", "0:07", "12:34", "1:02:03"]);
});

test("bars and sparklines have the width they were given", () => {
  expect([0, 0.5, 1].map((f) => printBar(f, 4))).toEqual(["░░░░", "██░░", "████"]);
  expect(printBar(0.3, 4)).toBe("█▎░░");
  expect(sparkline([8, 4, 2, 1], 10)).toBe("█▄▂▁");
  expect(sparkline(Array.from({ length: 1000 }, (_, i) => -i), 20)).toHaveLength(20);
  expect(sparkline([1, Number.NaN], 10)).toBe("");
});
