/** Data as an index: what it declares must fit the axis, where no guard narrows it. */
import { describe, expect, it } from "vitest";
import { errorsOf } from "./check-text.ts";

const text = (range: string, e: string): string => `model M { input s: f32[N, 3]
  target y: i32[N]${range}
  p = log_softmax(s)
  param w: f32 ~ ones
  loss = w * (${e}) }`;

describe("data as an index", () => {
  it.each([
    ["in 0..3", "sum[n] p[n, y[n]]"],
    ["in -1..3", "mean[n where y[n] >= 0] p[n, y[n]]"],
    ["in -1..3", "mean[n where y[n] > -1] p[n, y[n]]"],
    ["in -1..3", "mean[n where y[n] != -1] p[n, y[n]]"],
    ["in -1..3", "mean[n where 0 <= y[n]] p[n, y[n]]"],
    ["in 0..4", "mean[n where y[n] < 3] p[n, y[n]]"],
    ["in 0..4", "mean[n where y[n] != 3] p[n, y[n]]"],
    ["in -5..50", "mean[n where y[n] >= 0 and y[n] <= 2] p[n, y[n]]"],
    ["in -5..50", "mean[n where y[n] == 2] p[n, y[n]]"],
  ])("%s fits %s", (range, e) => expect(errorsOf(text(` ${range}`, e))).toEqual([]));

  it.each([
    ["in -1..3", "sum[n] p[n, y[n]]", "the index may be -1 to 2"],
    ["in -2..3", "mean[n where y[n] >= -1] p[n, y[n]]", "the index may be -1 to 2"],
    ["in -1..3", "mean[n where y[n] < 2] p[n, y[n]]", "the index may be -1 to 1"],
    ["in -1..3", "mean[n where s[n, 0] >= 0] p[n, y[n]]", "the index may be -1 to 2"],
    ["in -1..3", "mean[n where y[n] >= 0] p[n, y[n]] + sum[n] p[n, y[n]]", "the index may be -1 to 2"],
    ["in -1..3", "mean[n where y[n] >= 0 or s[n, 0] > 0] p[n, y[n]]", "the index may be -1 to 2"],
    ["in -2..3", "mean[n where y[n] != -1] p[n, y[n]]", "the index may be -2 to 2"],
  ])("%s does not fit %s", (range, e, says) => {
    const errors = errorsOf(text(` ${range}`, e));
    expect(errors.length).toBeGreaterThan(0);
    for (const error of errors) expect(error).toContain(`E0205 ${says}`);
  });

  it("without a range fits nowhere", () => expect(errorsOf(text("", "sum[n] p[n, y[n]]"))).toEqual(["E0216 `y` may take any value, and indexes an axis of 3"]));
});
