/**
 * A graph from its text: the inverse of `printGraph`. Nodes are made by a fresh builder, so text that breaks a type rule is
 * refused, and the printed types are compared with those the table gives. Origins are not in the text.
 *
 *     printGraph(readGraph(text)) === text
 */
import type { Body, Commit, Graph, Node, OpAttrs, OpName, Output } from "../ir/node.ts";
import { printType } from "../ir/types.ts";
import { InternalError } from "../support/diagnostic.ts";
import { makeBody } from "./body.ts";
import { Builder } from "./builder.ts";
import { Cursor } from "./cursor.ts";
import { isOpName, readAttributes, readType } from "./read-attributes.ts";

/** The nodes by number of the graph, or of the body being read; an open body remembers the loop it belongs to. */
interface Scope {
  readonly nodes: Map<number, Node>;
  readonly loop?: { readonly number: number; readonly attrs: Omit<OpAttrs["loop"], "body">; readonly inputs: readonly Node[]; readonly type: string; readonly cursor: Cursor };
  body?: Body;
}

/** Reads a graph; throws a SyntaxError with its line where the text is not one. */
export function readGraph(text: string, builder: Builder = new Builder()): Graph {
  const lines = text.split("\n");
  const outputs: Output[] = [];
  const commits: Commit[] = [];
  const scopes: Scope[] = [{ nodes: new Map() }];
  let entry: string | undefined;
  lines.forEach((line, n) => {
    const c = new Cursor(line, n + 1);
    const scope = scopes[scopes.length - 1] as Scope;
    if (line.trim() === "") return;
    if (entry === undefined) {
      c.expect("graph ");
      entry = c.word();
    } else if (c.take("output ")) {
      const kind = c.oneOf("loss", "term", "output", "metric", "gradient", "status", "value");
      outputs.push({ kind, name: c.string(), node: reference(c, scope) });
    } else if (c.take("commit ")) {
      const kind = c.oneOf("param", "state");
      commits.push({ kind, path: c.string(), node: reference(c, scope) });
    } else if (c.take("yield ")) {
      const results = [];
      do results.push(reference(c, scope));
      while (c.take(","));
      scope.body = makeBody(results);
    } else if (c.take("}")) {
      scopes.pop();
      closeBody(builder, scope, scopes[scopes.length - 1], c);
    } else {
      const opened = readNode(builder, c, scope);
      if (opened) scopes.push(opened);
    }
    c.end();
  });
  if (entry === undefined || scopes.length !== 1) throw new SyntaxError(`graph text, line ${lines.length}: ends too early`);
  return builder.finish(entry, outputs, commits);
}

function reference(c: Cursor, scope: Scope): Node {
  c.expect("%");
  const number = c.number();
  return scope.nodes.get(number) ?? c.fail(`a node that is known, not %${number}`);
}

/** One node; the answer is the scope of a body that begins here. */
function readNode(builder: Builder, c: Cursor, scope: Scope): Scope | undefined {
  c.expect("%");
  const number = c.number();
  c.expect("=");
  const op = c.word();
  if (!isOpName(op)) return c.fail(`the name of an operation, not ${op}`);
  const attrs = readAttributes(op, c);
  const inputs = c.peek("(") ? c.list("(", ")", () => reference(c, scope)) : [];
  c.expect(":");
  const type = printType(readType(c));
  if (op === "loop") {
    c.expect("{");
    return { nodes: new Map(), loop: { number, attrs: attrs as Omit<OpAttrs["loop"], "body">, inputs, type, cursor: c } };
  }
  place(scope, number, made(c, () => builder.make(op, attrs as OpAttrs[OpName], inputs)), type, c);
  return undefined;
}

function closeBody(builder: Builder, inner: Scope, outer: Scope | undefined, c: Cursor): void {
  const { loop, body } = inner;
  if (!loop || !outer || !body) c.fail("a loop's body with its yield before this");
  place(outer, loop.number, made(loop.cursor, () => builder.make("loop", { ...loop.attrs, body }, loop.inputs)), loop.type, loop.cursor);
}

/** A node that the type rule refuses is the text's error here. */
function made(c: Cursor, make: () => Node): Node {
  try {
    return make();
  } catch (error) {
    if (error instanceof InternalError) c.fail(`a node that fits (${error.message})`);
    throw error;
  }
}

function place(scope: Scope, number: number, node: Node, type: string, c: Cursor): void {
  if (printType(node.type) !== type) c.fail(`the type ${printType(node.type)}, not ${type},`);
  scope.nodes.set(number, node);
}
