/**
 * What the machine refuses: no adapter, a file that cannot be read, a folder that cannot be written. It carries the
 * same fields as a compiler diagnostic, so the command prints it the same way and a bundle can print it plainly.
 *
 *     throw new EnvironmentError("E0601", "no WebGPU adapter was found", "run `nabla doctor`");
 */
export class EnvironmentError extends Error {
  /** The stable code, as in docs/errors.md. */
  readonly code: string;
  /** At most one concrete hint. */
  readonly hint: string | undefined;

  constructor(code: string, message: string, hint?: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "EnvironmentError";
    this.code = code;
    this.hint = hint;
  }
}
