/** What the command line means: settings, colour, exit statuses. */
import { describe, expect, test } from "vitest";
import { CommandError, exitCodeOf } from "../../src/cli/exit-code.ts";
import { diffLines } from "../../src/cli/line-diff.ts";
import { parseSetting } from "../../src/cli/options.ts";
import { printBytes, printCount, printPlural } from "../../src/cli/summary.ts";
import { wantsColor } from "../../src/cli/terminal.ts";
import { EnvironmentError } from "../../src/harness/node/environment-error.ts";
import { DataError } from "../../src/harness/runtime/data-error.ts";
import { EngineError } from "../../src/harness/runtime/engine.ts";
import { InternalError, UserError } from "../../src/support/diagnostic.ts";

describe("--set", () => {
  test("takes numbers, booleans and names, and the later one wins", () => {
    const settings = ["hidden=64", "lr=1e-3", "bias=false", "batch=all", "hidden = 32"].reduce((before, text) => parseSetting(text, before), {});
    expect(settings).toEqual({ hidden: 32, lr: 0.001, bias: false, batch: "all" });
  });

  test.each(["hidden", "=3", "hidden=", ""])("refuses '%s'", (text) => {
    expect(() => parseSetting(text)).toThrow(CommandError);
  });
});

describe("colour", () => {
  const ask = (choice: "auto" | "always" | "never", environment: Record<string, string>, terminal: boolean): boolean => wantsColor({ choice, environment, terminal });

  test("follows the flag, then NO_COLOR, then FORCE_COLOR, then the terminal", () => {
    expect(ask("always", { NO_COLOR: "1" }, false)).toBe(true);
    expect(ask("never", { FORCE_COLOR: "1" }, true)).toBe(false);
    expect(ask("auto", { NO_COLOR: "1", FORCE_COLOR: "1" }, true)).toBe(false);
    expect(ask("auto", { NO_COLOR: "" }, true)).toBe(true);
    expect(ask("auto", { FORCE_COLOR: "1" }, false)).toBe(true);
    expect(ask("auto", { FORCE_COLOR: "0" }, true)).toBe(false);
    expect(ask("auto", { TERM: "dumb" }, true)).toBe(false);
    expect(ask("auto", {}, false)).toBe(false);
  });
});

test("each kind of failure has its exit status", () => {
  expect(exitCodeOf(new UserError({ code: "E0203", message: "" }))).toBe(1);
  expect(exitCodeOf(new DataError("E0507", "f.csv", "bad cell"))).toBe(1);
  expect(exitCodeOf(new EngineError("E0606", "NaN"))).toBe(1);
  expect(exitCodeOf(new CommandError("bad flag"))).toBe(2);
  expect(exitCodeOf(new EnvironmentError("E0702", "cannot write"))).toBe(2);
  expect(exitCodeOf(new EnvironmentError("E0601", "no adapter"))).toBe(3);
  expect(exitCodeOf(new EngineError("E0605", "lost"))).toBe(3);
  expect(exitCodeOf(new EngineError("E0604", "validation"))).toBe(70);
  expect(exitCodeOf(new InternalError("simplify", "bad node"))).toBe(70);
  expect(exitCodeOf(new TypeError("x is undefined"))).toBe(70);
});

test("counts and sizes read well", () => {
  expect([7, 1234, 1234567].map(printCount)).toEqual(["7", "1,234", "1,234,567"]);
  expect([12, 9840, 2_500_000].map(printBytes)).toEqual(["12 bytes", "9.8 KB", "2.5 MB"]);
  expect([printPlural(1, "epoch"), printPlural(2, "epoch")]).toEqual(["1 epoch", "2 epochs"]);
});

test("a difference of texts keeps what is common", () => {
  expect(diffLines("a\nb\nc\n", "a\nx\nc\nd\n")).toEqual(["  a", "- b", "+ x", "  c", "+ d"]);
  expect(diffLines("same\n", "same\n")).toEqual(["  same"]);
});
