/**
 * The report of a size that is negative, or that some size of the data makes so: of a size that data decides only that it is at least 1 is
 * known, so `0..N - 2` has -1 elements where N is 1.
 */
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import type { Span } from "../support/span.ts";
import { negativeWhere } from "./bounds.ts";
import type { Problem } from "./problem.ts";

/** E0219 for a size; `said` is what it is. */
export function negative(said: string, size: Dim, span: Span): Problem {
  if (typeof size === "number") return { code: "E0219", message: `${said}, and no size is negative`, span, label: "negative", hint: size === -1 ? "no size is worked out from the others: write it" : undefined };
  const where = negativeWhere(size);
  const symbol = dims.symbolsOf(size)[0] ?? "";
  return {
    code: "E0219", message: `${said}, which ${where ? `is negative where ${where}` : "may be negative"}`, span, label: where ? `negative where ${where}` : "may be negative",
    hint: `data may have any number of rows from 1 up: let it run over all of \`${symbol}\`, and keep terms with \`where\` or \`cases\``,
  };
}
