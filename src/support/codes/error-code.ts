/**
 * What a diagnostic's code means, for people who meet it. One record per code; `nabla explain` and docs/errors.md are
 * printed from these records, so an explanation exists once.
 */
export interface ErrorCode {
  /** `E0203`; stable, never used for anything else. */
  readonly code: string;
  /** What is wrong, as a heading. */
  readonly title: string;
  /** Why it is an error and what to do, in a few sentences. */
  readonly text: string;
  /** A `.dl` text that raises it. */
  readonly wrong?: string;
  /** The same, mended. */
  readonly right?: string;
  /** Codes that are near to it. */
  readonly see?: readonly string[];
}
