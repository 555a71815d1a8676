/**
 * What a pass is, and how passes are run. A pass is a value; dumps, timings and documentation titles derive
 * from its `name`. `runPass` runs it, verifies its result when asked, and tells the trace.
 *
 *     const simplify: Pass<Graph, Graph> = { name: "simplify", doc: "…", run, verify: verifyGraph };
 *     const after = runPass(simplify, graph, trace);
 */
export interface Pass<In, Out> {
  readonly name: string;
  /** One sentence. */
  readonly doc: string;
  readonly run: (input: In) => Out;
  /** Throws an InternalError when the output breaks the invariants of its IR. */
  readonly verify?: (output: Out) => void;
}

/** Receives each pass's result. The core never prints; who wants dumps or timings gives a trace. */
export interface Trace {
  /** Run each pass's `verify`; on in tests. */
  readonly verify: boolean;
  /** A clock in milliseconds, injected since the core has none. */
  readonly now?: () => number;
  /** Called after each pass with its subject (an entry's name, say) and result. */
  readonly after?: (pass: string, subject: string, value: unknown, milliseconds: number) => void;
}

/** The trace that checks nothing and hears nothing. */
export const silent: Trace = { verify: false };

/** Runs one pass over one subject. */
export function runPass<In, Out>(pass: Pass<In, Out>, input: In, trace: Trace, subject = ""): Out {
  const start = trace.now?.() ?? 0;
  const output = pass.run(input);
  const spent = (trace.now?.() ?? 0) - start;
  if (trace.verify) pass.verify?.(output);
  trace.after?.(pass.name, subject, output, spent);
  return output;
}
