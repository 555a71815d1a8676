/**
 * Family `turns`: a loop whose turns read what earlier turns stored. One invocation runs the turns of each point of the parallel
 * axes. Where barriers are cheap and a turn has independent parts, a workgroup shares them and waits at the end of the turn.
 *
 *     cumsum over [N, T]       N invocations, T turns each
 *     cholesky of [B, n, n]    software: B invocations;  gpu: B workgroups, whose lanes share the rows of each column
 *
 * Barriers stand in uniform control flow: turns are bounded by constants and parameters. Such a kernel shares its dispatch with no other:
 * its loop is long however few its statements are.
 */
import type { KernelStmt, Nest, Profile, Stmt } from "../src/ir/kernel.ts";
import { op } from "../src/ir/scalar.ts";
import { below, int } from "./arithmetic.ts";
import { finish } from "./bound-kernel.ts";
import type { BoundKernel } from "./bound-kernel.ts";
import { KernelBuilder } from "./kernel-builder.ts";
import type { Scope } from "./kernel-builder.ts";
import { bounded, coordinatesOf, lane, linear, points } from "./launch.ts";
import { owner } from "./owner.ts";
import { serial } from "./serial.ts";

/** Fewer independent parts of a turn than this are not worth a barrier. */
const fewestParts = 16;
const narrowest = 32;
const widest = 256;

/** The kernel of a nest that goes in turns. */
export function turns(nest: Nest, profile: Profile): BoundKernel {
  const parts = partsOfTurn(nest.body);
  if (profile.barriers && parts >= fewestParts) return shared(nest, profile, parts);
  const { rebind: _, ...alone } = owner(nest, profile, "turns", profile.rows);
  return alone;
}

/** The most independent parts that a turn has, at capacity. */
function partsOfTurn(body: readonly Stmt[]): number {
  return Math.max(0, ...body.flatMap((s) => (s.kind === "each" ? [s.turns ? partsOfTurn(s.body) : s.axis.capacity] : [])));
}

function shared(nest: Nest, profile: Profile, parts: number): BoundKernel {
  const b = new KernelBuilder(nest.params);
  const { live, capacity } = points(nest.parallel);
  let width = narrowest;
  while (width < widest && width < parts) width *= 2;
  const launch = linear(live, capacity, 1, profile);
  const { workgroup } = launch;
  const inner: KernelStmt[] = [];
  const exact = typeof live === "number" && launch.isLine;
  const scope: Scope = new Map(coordinatesOf(b, inner, nest.parallel, exact ? workgroup : bounded(b, inner, workgroup, capacity)));
  together(b, nest.body, scope, width, inner);
  const body: KernelStmt[] = exact ? inner : [{ kind: "if", condition: below(workgroup, b.size(live)), body: inner }];
  return finish(b, nest, { family: "turns-workgroup", width, launch }, body);
}

/** Statements that all lanes run alike; what is independent they share, and what stands alone the first one stores. */
function together(b: KernelBuilder, stmts: readonly Stmt[], scope: Scope, width: number, out: KernelStmt[]): void {
  for (const s of stmts) {
    if (s.kind === "each" && s.turns)
      b.loop(out, int(0), b.size(s.axis.extent), 1, (index, inner) => {
        scope.set(s.axis.id, index);
        together(b, s.body, scope, width, inner);
        inner.push({ kind: "barrier", scope: "storage" });
      });
    else if (s.kind === "each")
      b.loop(out, lane, b.size(s.axis.extent), width, (index, inner) => {
        scope.set(s.axis.id, index);
        serial(b, s.body, scope, inner);
      });
    else if (s.kind === "store") {
      const alone: KernelStmt[] = [];
      serial(b, [s], scope, alone);
      out.push({ kind: "if", condition: op("==", "bool", [lane, int(0)]), body: alone });
    } else serial(b, [s], scope, out);
  }
}
