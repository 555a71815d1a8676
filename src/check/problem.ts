/** A user error as the checker's parts state it, before it is known where in the user's file it shows. */
import type { Label } from "../support/diagnostic.ts";
import type { Span } from "../support/span.ts";

/** See `Diagnostic`; absent labels are left out. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly span: Span;
  readonly label?: string | undefined;
  readonly related?: readonly (Label | undefined)[];
  readonly hint?: string | undefined;
  readonly unsupported?: boolean;
}

/** A label, if the place is known. */
export function labelAt(span: Span | undefined, text: string): Label | undefined {
  return span && { span, text };
}
