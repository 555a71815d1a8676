/** What is wrong with data, and where: the row counted from 1 without the header, the column by name or number. */
export class DataError extends Error {
  readonly code: string;
  readonly row: number | undefined;
  readonly column: string | undefined;

  /** `where` is what the message starts with: a file name. */
  constructor(code: string, where: string, message: string, at: { readonly row?: number; readonly column?: string } = {}) {
    const place = [at.row === undefined ? "" : `row ${at.row}`, at.column === undefined ? "" : `column ${at.column}`];
    super([where, place.filter((p) => p !== "").join(", "), message].filter((p) => p !== "").join(": "));
    this.name = "DataError";
    this.code = code;
    this.row = at.row;
    this.column = at.column;
  }
}
