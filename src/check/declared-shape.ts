/** The shape that a declaration gives. */
import type { Dim } from "../ir/dims.ts";
import type { DType } from "../ir/types.ts";
import type { Span } from "../support/span.ts";

/** A shape with the place where each size was fixed. */
export interface DeclaredShape {
  readonly dtype: DType;
  readonly shape: readonly Dim[];
  readonly fixed: readonly (Span | undefined)[];
}
