/** Where the parameters and states of a graph lie: as in a program's store, in the order in which the graph names them. */
import * as dims from "../../src/ir/dims.ts";
import type { Graph } from "../../src/ir/node.ts";
import { rootsOf, topological } from "../../src/graph/walk.ts";
import { layOutStore, storedIn } from "../../src/memory/lay-out-store.ts";
import type { StoreLayout } from "../../src/memory/placement.ts";
import type { Stored } from "../../src/schedule/schedule.ts";

export function storedLayout(graph: Graph): { readonly layout: StoreLayout; readonly stored: Stored } {
  const elements = new Map<string, { readonly elements: number; readonly kind: string }>();
  const add = (path: string, kind: string, shape: readonly dims.Dim[]): void => {
    if (!elements.has(path)) elements.set(path, { elements: dims.evaluate(dims.product(shape), {}), kind });
  };
  for (const node of topological(rootsOf(graph)))
    if (node.op === "leaf" && (node.attrs.kind === "param" || node.attrs.kind === "state")) add(node.attrs.path, node.attrs.kind, node.type.shape);
  for (const { kind, path, node } of graph.commits) add(path, kind, node.type.shape);
  const layout = layOutStore([...elements].map(([path, t]) => ({ path, elements: t.elements, ...(t.kind === "param" && { role: "weight" }) })));
  return { layout, stored: storedIn(layout, 2 ** 27) };
}
