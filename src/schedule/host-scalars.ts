/**
 * The scalars of a step, computed on the host in f64. In: the nodes of an entry. Out: which nodes the host computes
 * and its program, a list of instructions without repetition.
 *
 *     lr / (1 - decay ^ t)    ->   [hyper lr, hyper decay, step t, …, div]; a kernel reads one f32 word
 */
import * as dims from "../ir/dims.ts";
import type { HostScalar } from "../ir/kernel.ts";
import type { Node } from "../ir/node.ts";
import { table } from "../ops/table.ts";

export interface HostProgram {
  /** Nodes whose value is a host scalar: the position in the program. */
  readonly of: ReadonlyMap<Node, number>;
  readonly program: readonly HostScalar[];
}

/**
 * Every scalar that reaches only constants, sizes, hyperparameters and the step through elementwise ops. Constants and
 * sizes alone are no host scalars: kernels have them anyway. Instructions that no kernel reads are dropped.
 */
export function hostScalars(order: readonly Node[], outputs: readonly Node[]): HostProgram {
  const able = new Set<Node>();
  for (const node of order) if (isAble(node, able)) able.add(node);
  const wanted = new Set<Node>(outputs.filter((n) => able.has(n)));
  for (const node of order) if (!able.has(node)) for (const x of node.inputs) if (able.has(x)) wanted.add(x);
  const program: HostScalar[] = [];
  const positions = new Map<Node, number>();
  const byText = new Map<string, number>();
  const needed = new Set<Node>();
  for (let i = order.length - 1; i >= 0; i--) {
    const node = order[i] as Node;
    if (!needed.has(node) && !(wanted.has(node) && isComputed(node))) continue;
    needed.add(node);
    for (const x of node.inputs) needed.add(x);
  }
  for (const node of order) {
    if (!needed.has(node)) continue;
    const instruction = instructionOf(node, node.inputs.map((x) => positions.get(x) ?? -1));
    const text = JSON.stringify(instruction);
    const at = byText.get(text) ?? program.push(instruction) - 1;
    byText.set(text, at);
    positions.set(node, at);
  }
  const of = new Map([...positions].filter(([node]) => isComputed(node)));
  return { of, program };
}

function isAble(node: Node, able: ReadonlySet<Node>): boolean {
  if (node.type.shape.length > 0) return false;
  if (node.op === "const" || node.op === "size") return true;
  if (node.op === "leaf") return node.attrs.kind === "hyper" || node.attrs.kind === "step";
  return table[node.op].class === "elementwise" && node.op !== "random" && node.inputs.length > 0 && node.inputs.every((x) => able.has(x));
}

/** Constants and sizes stand in kernels as they are. */
function isComputed(node: Node): boolean {
  return node.op !== "const" && node.op !== "size";
}

function instructionOf(node: Node, args: readonly number[]): HostScalar {
  switch (node.op) {
    case "const":
      return { op: "const", args, value: typeof node.attrs.data === "number" ? node.attrs.data : (node.attrs.data[0] ?? 0) };
    case "size":
      return { op: "size", args, dim: node.attrs.dim };
    case "leaf":
      return { op: node.attrs.kind, args, name: node.attrs.path };
    case "pow":
      return { op: "pow", args, value: node.attrs.exponent };
    case "compare":
      return { op: "compare", args, name: node.attrs.relation };
    case "logic":
      return { op: "logic", args, name: node.attrs.kind };
    case "cast":
      return { op: "cast", args, name: node.attrs.to };
    default:
      return { op: node.op, args };
  }
}

/** One instruction as text, for dumps: `%3 = div %0 %2`. */
export function printHostScalar(instruction: HostScalar, at: number): string {
  const rest = [...instruction.args.map((a) => `%${a}`), instruction.name, instruction.value, instruction.dim === undefined ? undefined : dims.print(instruction.dim)];
  return `%${at} = ${[instruction.op, ...rest.filter((x) => x !== undefined)].join(" ")}`;
}
