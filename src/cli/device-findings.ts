/**
 * What a comparison of a device with the evaluator says, for `nabla check --gradients` and `--bisect`: a line for each gradient
 * or entry, and errors for what differs.
 *
 *     step: 7 kernels agree with f64 in 348 numbers, to 1.1e-7 of the largest
 *     loss by Xor.h.W on SwiftShader: agrees in 8 elements
 */
import type { CompiledProgram } from "../compile.ts";
import type { EntryName } from "../graph/build.ts";
import { EnvironmentError } from "../harness/node/environment-error.ts";
import type { Suspect } from "../report/bisect.ts";
import { compareOnDevice, type EntryComparison, type GradientOnDevice } from "../report/compare-on-device.ts";
import { profileFor } from "../harness/device-class.ts";
import type { Diagnostic } from "../support/diagnostic.ts";
import type { GradientFindings } from "./gradient-findings.ts";
import { printPlural } from "./summary.ts";

/** Compares the entries of programs on the device of this machine; where there is none, says so, or fails with an EnvironmentError if `needed`. */
export async function deviceFindings(programs: readonly CompiledProgram[], entriesOf: (program: CompiledProgram) => readonly EntryName[], needed: boolean, options: { readonly software?: boolean } = {}): Promise<GradientFindings> {
  const { openDevice } = await import("../harness/node/adapter.ts");
  const opened = await openDevice(options).catch((error: unknown) => {
    if (!needed && error instanceof EnvironmentError) return undefined;
    throw error;
  });
  if (!opened) return { lines: ["not compared on a device: there is no adapter"], diagnostics: [] };
  const { device, info, close } = opened;
  try {
    const lines: string[] = [];
    const diagnostics: Diagnostic[] = [];
    for (const program of programs) {
      const { entries, gradients } = await compareOnDevice(program, { device, profile: profileFor({ device, software: info.software }), entries: entriesOf(program) });
      for (const e of entries) {
        if (needed) lines.push(entryLine(e));
        if (e.suspect) diagnostics.push(entryError(e, e.suspect, gradients));
      }
      for (const g of gradients) lines.push(`loss by ${g.path} on ${info.name}: ${g.differs ? differs(g.differs) : `agrees in ${printPlural(g.elements, "element")}`}`);
      const wrong = gradients.find((g) => g.differs);
      if (wrong?.differs && !entries.some((e) => e.suspect)) {
        const span = program.model.params.find((p) => p.path === wrong.path)?.span;
        diagnostics.push({ code: "E0609", severity: "error", message: `the gradient of the loss by \`${wrong.path}\` ${differs(wrong.differs)}, although no single kernel differs`, ...(span && { span, label: "this parameter" }) });
      }
    }
    return { lines, diagnostics };
  } finally {
    close();
  }
}

function differs({ at, found, wanted }: { readonly at: readonly number[]; readonly found: number; readonly wanted: number }): string {
  return `differs${at.length > 0 ? ` at [${at.join(", ")}]` : ""}, ${printNumber(found)} on the device and ${printNumber(wanted)} in f64`;
}

const printNumber = (x: number): string => String(Number(x.toPrecision(6)));

function entryLine({ entry, compared, dispatches, elements, worst, suspect }: EntryComparison): string {
  if (suspect) return `${entry}: kernel ${suspect.dispatch} of ${dispatches}, ${suspect.kernel}, ${differs(suspect)}`;
  return `${entry}: ${printPlural(compared, "kernel")} agree${compared === 1 ? "s" : ""} with f64 in ${printPlural(elements, "number")}, to ${worst.toExponential(1)} of the largest`;
}

function entryError({ entry, dispatches, places }: EntryComparison, suspect: Suspect, gradients: readonly GradientOnDevice[]): Diagnostic {
  const [place, ...more] = places;
  const wrong = gradients.find((g) => g.differs);
  const first = wrong ? `; the first gradient that is wrong is that by \`${wrong.path}\`` : "";
  return {
    code: "E0609", severity: "error", message: `kernel ${suspect.dispatch} of ${dispatches} in ${entry}, \`${suspect.kernel}\`, ${differs(suspect)}${first}`,
    ...(place && { span: place.span, label: place.text || `computed here${suspect.elements > 1 ? `: ${suspect.differing} of ${suspect.elements} elements differ` : ""}` }),
    ...(more.length > 0 && { related: more }),
    hint: "this is a bug of nabla or of the graphics driver: `NABLA_ADAPTER=software` tells which",
  };
}
