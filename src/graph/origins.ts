/**
 * Merging origins: what a node says about its source when two nodes become one.
 *
 *     mergeOrigins({ spans: [a], more: 0 }, { spans: [b], more: 2 })     // { spans: [a, b], more: 2 }
 */
import type { Origin } from "../ir/node.ts";
import type { Span } from "../support/span.ts";

/** Spans kept by name; the rest are counted. */
const keptSpans = 16;

/** Both origins in one. What a user wrote wins over what the compiler made: then only the user's places count. */
export function mergeOrigins(a: Origin, b: Origin): Origin {
  if (a.reason === undefined && b.reason !== undefined && a.spans.length > 0) return a;
  if (b.reason === undefined && a.reason !== undefined && b.spans.length > 0) return b;
  const fresh = b.spans.filter((s) => !a.spans.some((t) => same(s, t)));
  const over = Math.max(0, a.spans.length + fresh.length - keptSpans);
  const reason = a.reason ?? b.reason;
  const name = a.name ?? b.name;
  if (fresh.length === 0 && b.more === 0 && a.spans.length <= keptSpans && name === a.name) return a;
  return { spans: [...a.spans, ...fresh].slice(0, keptSpans), more: a.more + b.more + over, ...(reason === undefined ? {} : { reason }), ...(name === undefined ? {} : { name }) };
}

/** An origin with no more spans than are kept. */
export function trimmed(a: Origin): Origin {
  if (a.spans.length <= keptSpans) return a;
  return { ...a, spans: a.spans.slice(0, keptSpans), more: a.more + a.spans.length - keptSpans };
}

function same(a: Span, b: Span): boolean {
  return a.start === b.start && a.end === b.end && a.source === b.source;
}
