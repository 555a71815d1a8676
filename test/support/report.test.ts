/** Reports: frames, carets under wide characters, long lines, hostile characters, counts. */
import { expect, test } from "vitest";
import type { Diagnostic } from "../../src/support/diagnostic.ts";
import { renderReport } from "../../src/support/report.ts";
import { type Source, spanOf } from "../../src/support/span.ts";

const source = (text: string): Source => ({ path: "net.dl", text });
function at(text: string, part: string, more: Partial<Diagnostic> = {}): Diagnostic {
  const s = source(text);
  const start = text.indexOf(part);
  return { code: "E0203", severity: "error", message: "does not fit", span: spanOf(s, start, start + part.length), label: "here", ...more };
}

test("nothing for nothing", () => {
  expect(renderReport([])).toBe("");
});

test("the primary line, then the lines that take part, then the hint", () => {
  const text = "input a: f32[N, 3]\nparam W: f32[4, 2]\nh = a @ W\n";
  const s = source(text);
  const d: Diagnostic = {
    code: "E0203", severity: "error", message: "3 and 4 cannot be multiplied", span: spanOf(s, 42, 43), label: "joins 3 and 4", hint: "transpose W",
    related: [{ span: spanOf(s, 46, 47), text: "same line" }, { span: spanOf(s, 28, 37), text: "4 rows" }],
  };
  expect(renderReport([d, { code: "W0001", severity: "warning", message: "no place" }])).toMatchInlineSnapshot(`
    "net.dl:3:5 - error E0203: 3 and 4 cannot be multiplied

      3 | h = a @ W
        |     ^ joins 3 and 4
        |         - same line
      2 | param W: f32[4, 2]
        |          --------- 4 rows
      help: transpose W

    warning W0001: no place

    1 error, 1 warning
    "
  `);
});

test("carets stand under tabs, wide and combining characters", () => {
  const lines = (text: string, part: string): readonly string[] => renderReport([at(text, part)]).split("\n").slice(2, 4);
  expect(lines("\tx = e\u0301 + y", "y")).toEqual(["  1 |     x = e\u0301 + y", "    |             ^ here"]);
  expect(lines("x = 数 + y", "y")).toEqual(["  1 | x = 数 + y", "    |          ^ here"]);
});

test("a long line is cut around the place", () => {
  const report = renderReport([at(`${"a".repeat(5000)}!${"b".repeat(5000)}`, "!")], { width: 60 });
  const [, , line = "", marks = ""] = report.split("\n");
  expect(line.length).toBeLessThan(75);
  expect(line.charAt(marks.indexOf("^"))).toBe("!");
  expect(line).toMatch(/\| …a+!b+…$/);
});

test("no control character reaches the terminal", () => {
  const report = renderReport([at("a \u001b[31m\u202e x", "x", { message: "bad \u001b[2J", hint: "\u0007" })]);
  for (const hostile of ["\u001b", "\u0007", "\u202e"]) expect(report).not.toContain(hostile);
});

test("colours are the caller's, or ANSI, or none", () => {
  const d = at("x = y", "y");
  expect(renderReport([d], { color: (style, text) => `<${style}>${text}</>` })).toContain("<error>error E0203</>");
  expect(renderReport([d], { color: true })).toContain("\u001b[31merror E0203\u001b[39m");
  expect(renderReport([d])).not.toContain("\u001b");
});

test("beyond the limit they are only counted", () => {
  const report = renderReport(Array.from({ length: 7 }, () => at("x = y", "y")), { max: 2 });
  expect(report.match(/does not fit/g)).toHaveLength(2);
  expect(report.endsWith("… and 5 more\n\n7 errors\n")).toBe(true);
});

test("what is not supported yet says so", () => {
  expect(renderReport([at("x = y", "y", { unsupported: true })])).toContain("error E0203 (not supported yet): does not fit");
});

test("a place past the end stays in its line, and one over several lines says where it ends", () => {
  const s = source("a\nbcd\n");
  const d = (start: number, end: number): Diagnostic => ({ code: "E0001", severity: "error", message: "m", span: spanOf(s, start, end) });
  expect(renderReport([d(6, 6)]).split("\n").slice(2, 4)).toEqual(["  3 |", "    | ^"]);
  expect(renderReport([d(0, 5)]).split("\n").slice(2, 4)).toEqual(["  1 | a", "    | ^ … to line 2"]);
});
