/**
 * Core to nodes. In: expressions of a checked program. Out: values (see build-values.ts). One explicit stack walks the
 * Core DAG, parts before wholes; loop bodies are lowered by a child with a frame of its own.
 *
 *     lower(sum[i] x[b, i] * W[i, o])     reduce sum [2] (mul(view x, view W)) over b, o
 *
 * Index notation is vectorised: each scalar expression becomes a tensor over only the index variables that it depends
 * on; a reduction folds its variables' axes, a comprehension makes its variables' axes the tensor's own.
 */
import type { Dim } from "../ir/dims.ts";
import type { Node } from "../ir/node.ts";
import type { TensorType } from "../ir/types.ts";
import type { CarryVar, Core, CoreLoop, CoreOf, IndexVar } from "../check/core.ts";
import { InternalError } from "../support/diagnostic.ts";
import { makeBody } from "./body.ts";
import { accessValue, isIndexVar } from "./build-access.ts";
import { identity } from "./build-children.ts";
import type { Entry } from "./build-entry.ts";
import { customValue, deriveValue } from "./build-forms.ts";
import { extentNode, lowerPlain } from "./build-plain.ts";
import { drawNode } from "./build-random.ts";
import { reduceNode } from "./build-reduce.ts";
import { LoopFrame, turnValue } from "./build-loop.ts";
import { sliceIndex } from "./build-slice.ts";
import { convert, convertValue, ownShape, spread, tensorValue, together } from "./build-values.ts";
import type { Value } from "./build-values.ts";

/** What stands for what in a lowering inside another one: each thing is made anew, over what replaces its parts. */
interface Under {
  readonly parent?: Lowering;
  readonly replaced: ReadonlyMap<Core | string, Value>;
  /** The things that are replaced here and not around. */
  readonly own: readonly (Core | string)[];
  /** Over more indices, what is replaced is so by copies of itself: the value is the same for each. */
  readonly copies: boolean;
  /** Index variables that come with things, of which expressions do not tell. */
  readonly over: ReadonlyMap<Core | string, readonly IndexVar[]>;
}

const nothingReplaced: Under = { replaced: new Map(), own: [], copies: false, over: new Map() };

/** The order of axes in which the first one that data decides is the first. */
function byExample(shape: readonly Dim[]): readonly number[] {
  const axes = shape.map((_, a) => a);
  const first = shape.findIndex((d) => typeof d !== "number");
  return first <= 0 ? axes : [first, ...axes.filter((a) => a !== first)];
}

/** Lowers expressions of one entry: outside of loops or inside the body of one, as they are or with things replaced. */
export class Lowering {
  private readonly entry: Entry;
  private readonly frame: LoopFrame | undefined;
  private readonly under: Under;
  private readonly values: Map<Core, Value>;
  private readonly carried = new Map<CarryVar, Value>();
  private readonly plain = new Map<Core, Value>();
  private readonly loops = new Map<CoreLoop, { readonly node: Node; readonly vars: readonly IndexVar[] } | undefined>();

  constructor(entry: Entry, frame?: LoopFrame, under: Under = nothingReplaced) {
    this.entry = entry;
    this.frame = frame;
    this.under = under;
    this.values = frame || under !== nothingReplaced ? new Map() : entry.reading.values;
  }

  /** Lowers with some expressions standing for values at hand. */
  static over(entry: Entry, replaced: ReadonlyMap<Core, Value>): Lowering {
    return new Lowering(entry, undefined, { ...nothingReplaced, replaced });
  }

  /** Lowers what this entry alone knows, the gradients of its loss, and what follows from them. */
  following(): Lowering {
    return this.entry.reading.shared ? Lowering.over(this.entry, new Map(this.values)) : this;
  }

  /** The node of an expression of tensor notation, as the given type. */
  tensor(core: Core, type: TensorType = core.type): Node {
    const value = this.evaluate(core);
    if (value.vars.length > 0) throw new InternalError("build", `an index of ${core.kind} is bound nowhere`);
    const { builder } = this.entry;
    return builder.origin([core.span], undefined, () => convert(builder, spread(builder, value, [], type.shape), type.dtype));
  }

  /** The value of an expression. */
  evaluate(core: Core): Value {
    const stack: { readonly core: Core; readonly parts: readonly Core[]; next: number }[] = [];
    const open = (at: Core): void => {
      if (!this.has(at)) stack.push({ core: at, parts: this.parts(at), next: 0 });
    };
    open(core);
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const part = top.parts[top.next++] ?? this.late(top.core);
      if (part) {
        open(part);
        continue;
      }
      stack.pop();
      const { core: at } = top;
      if (this.has(at)) continue;
      this.values.set(at, this.entry.builder.origin([at.span], undefined, () => this.made(at)));
    }
    return this.get(core);
  }

  /**
   * The value of an expression whose parts are there. What derivatives are taken by keeps its identity: where nothing that it is
   * made of is replaced it is what it is outside; over copies it is y + (y(copies) - y), so that derivatives by y see it too.
   */
  private made(core: Core): Value {
    const { parent, copies, own } = this.under;
    const { builder: e, structure } = this.entry;
    if (!this.entry.derivedBy(core)) return this.lower(core);
    if (parent && !own.some((thing) => structure.depends(core, thing))) return parent.evaluate(core);
    const plain = this.lower(core);
    this.plain.set(core, plain);
    const first = parent && copies ? parent.evaluate(core) : undefined;
    const outside = parent && copies ? parent.plainOf(core) : undefined;
    if (!first || !outside) return this.entry.named(core, plain);
    const over = (v: Value): Node => spread(e, v, plain.vars, ownShape(plain));
    return this.entry.named(core, { ...plain, node: e.add(over(first), e.sub(plain.node, over(outside))) });
  }

  /** What a name is made of, without the identity. */
  private plainOf(core: Core): Value | undefined {
    return this.plain.get(core) ?? this.under.parent?.plainOf(core);
  }

  private has(core: Core): boolean {
    return this.values.has(core) || this.under.replaced.has(identity(core)) || (this.frame?.outside.has(core) ?? false);
  }

  private get(core: Core): Value {
    const known = this.under.replaced.get(identity(core)) ?? this.values.get(core);
    if (known) return known;
    const outside = this.frame?.outside.get(core);
    if (!outside) throw new InternalError("build", `${core.kind} is used before it is made`);
    return this.frame?.capture(outside) as Value;
  }

  /** What must be there before the expression is. Tensors that are indexed are made under no guard. */
  private parts(core: Core): readonly Core[] {
    const { structure, variables } = this.entry;
    switch (core.kind) {
      case "comprehend":
      case "fold":
        variables.register(core.indices);
        return structure.children(core);
      case "custom":
        return [core.value, ...core.rules.map((r) => r.argument)];
      case "derive":
        return core.derive === "grad" ? [core.wrt] : [core.wrt, core.along];
      case "replace":
        return core.pairs.map((p) => p.to);
      case "loop": {
        const { loop } = core;
        return this.loops.has(loop) ? [] : [...loop.carries.map((c) => c.init), ...structure.taken(loop, structure.free(core))];
      }
      default:
        return structure.children(core);
    }
  }

  /** What is lowered after the parts: a rule's adjoints, when what they receive has a type; what is differentiated in place. */
  private late(core: Core): Core | undefined {
    if (core.kind === "derive") return this.has(core.value) || this.copiedOver(core).length > 0 ? undefined : core.value;
    if (core.kind !== "custom") return undefined;
    this.receive(core);
    return core.rules.map((r) => r.adjoint).find((c) => !this.has(c));
  }

  private lower(core: Core): Value {
    switch (core.kind) {
      case "iteration":
      case "carry":
        return this.bound(core);
      case "fold":
        return this.fold(core);
      case "slice":
        return this.slice(core);
      case "at":
        return this.access(core.base, core.index.map((c) => this.get(c)), core.guarded);
      case "random":
        return this.draw(core);
      case "loop":
        return this.loop(core);
      case "custom":
        return this.custom(core);
      case "derive":
        return this.derive(core);
      case "replace": {
        const pairs = core.pairs.map(({ from, to }) => [identity(from), convertValue(this.entry.builder, this.get(to), from.type.dtype)] as const);
        return this.inside(new Map(pairs), false).evaluate(core.value);
      }
      default:
        return lowerPlain(this.entry, core, (c) => this.get(c));
    }
  }

  private fold(core: CoreOf<"fold">): Value {
    const { builder: e, variables } = this.entry;
    const body = this.get(core.body);
    const guard = core.guard && this.get(core.guard);
    const vars = variables.union([body.vars, guard?.vars ?? [], core.indices]);
    const axes = core.indices.map((v) => vars.indexOf(v)).sort((a, b) => a - b);
    const node = reduceNode(e, {
      op: core.op, x: spread(e, body, vars, ownShape(body)), axes, mask: guard && spread(e, guard, vars, []), dtype: core.type.dtype,
    });
    const left = vars.filter((v) => !core.indices.includes(v));
    const [only] = core.indices;
    if ((core.op !== "argmax" && core.op !== "argmin") || !only || only.lo === 0) return { node, vars: left };
    const lo = convert(e, spread(e, tensorValue(extentNode(this.entry, only.lo)), left, []), node.type.dtype);
    return { node: e.add(node, lo), vars: left };
  }

  /** A tensor at indices; outside tensors that move with the turn are sliced by the loop. */
  private access(base: Core, index: readonly Value[], guarded?: ReadonlySet<number>): Value {
    const { builder: e, variables } = this.entry;
    const outside = this.values.has(base) ? undefined : this.frame?.outside.get(base);
    const sliced = outside && this.frame?.slice(outside, index);
    if (!sliced) return accessValue(e, variables, this.get(base), index, guarded);
    const shifted = new Set([...(guarded ?? [])].map((a) => (a > sliced.axis ? a - 1 : a)));
    return accessValue(e, variables, sliced.value, index.filter((_, a) => a !== sliced.axis), shifted);
  }

  /** A slice is an access over fresh variables, which then become axes. */
  private slice(core: CoreOf<"slice">): Value {
    const { builder: e, variables } = this.entry;
    const { index, axes } = sliceIndex(e, variables, core, (c) => this.get(c));
    const value = this.access(core.arg, index);
    const around = value.vars.filter((v) => !axes.includes(v));
    return { node: spread(e, value, [...around, ...axes], []), vars: around };
  }

  /** What a loop or a rule binds, here or in the lowering around. */
  private carriedValue(variable: CarryVar): Value | undefined {
    return this.carried.get(variable) ?? this.under.parent?.carriedValue(variable);
  }

  /** Leaves for what a rule receives, over the indices of the value and of the arguments. */
  private receive(core: CoreOf<"custom">): readonly IndexVar[] {
    const { variables } = this.entry;
    const known = this.carried.get(core.incoming);
    if (known) return known.vars;
    const value = this.get(core.value);
    const vars = variables.union([value.vars, ...core.rules.map((r) => this.get(r.argument).vars)]);
    const type = { dtype: core.type.dtype, shape: [...vars.map((v) => v.extent), ...core.type.shape] };
    for (const variable of [core.incoming, core.out]) this.carried.set(variable, { node: this.entry.ruleLeaf(variable.name, type), vars });
    return vars;
  }

  private custom(core: CoreOf<"custom">): Value {
    const vars = this.receive(core);
    const received = [core.incoming, core.out].map((v) => this.carriedValue(v)?.node as Node);
    return customValue(this.entry.builder, core, vars, received, (part) => this.get(part));
  }

  /**
   * A derivative of each of many values, one to an index: what it is taken by gets a copy for each, the value is made again over
   * the copies, so each value depends on its own copy alone, and the derivative of their sum by the copies is that of each by its own.
   */
  private derive(core: CoreOf<"derive">): Value {
    const { builder: e, variables } = this.entry;
    const wrt = this.get(core.wrt);
    const along = core.derive === "grad" ? undefined : convertValue(e, this.get(core.along), "f32");
    const fresh = this.copiedOver(core);
    if (fresh.length === 0) return deriveValue(e, core, this.get(core.value), wrt, along);
    const vars = variables.union([wrt.vars, fresh]);
    const copies: Value = { node: this.entry.copy(core.wrt, spread(e, wrt, vars, ownShape(wrt))), vars };
    const value = this.inside(new Map([[identity(core.wrt), copies]]), true).evaluate(core.value);
    return deriveValue(e, core, value, copies, along);
  }

  /** The indices over which a derivative needs copies of what it is taken by. `jvp` of many values along one direction needs none. */
  private copiedOver(core: CoreOf<"derive">): readonly IndexVar[] {
    const wrt = this.get(core.wrt);
    const along = core.derive === "grad" ? [] : this.get(core.along).vars;
    const wanted = this.entry.variables.union([along, core.derive === "jvp" ? [] : this.indicesOf(core.value)]);
    return wanted.filter((v) => !wrt.vars.includes(v));
  }

  /** The index variables that the expression's value may be over, before it is made. */
  private indicesOf(core: Core): readonly IndexVar[] {
    const { structure, variables } = this.entry;
    const lists: (readonly IndexVar[])[] = [];
    for (const bound of structure.free(core)) lists.push(isIndexVar(bound) ? [bound] : (this.carriedValue(bound as CarryVar)?.vars ?? []));
    for (const [thing, vars] of this.under.over) if (structure.depends(core, thing)) lists.push(vars);
    return variables.union(lists);
  }

  /** A lowering in which things stand for others. What stood for a name that is made of what is now copied is made again, see `made`. */
  private inside(by: ReadonlyMap<Core | string, Value>, copies: boolean): Lowering {
    const { structure } = this.entry;
    const stays = (thing: Core | string): boolean => !copies || typeof thing === "string" || ![...by.keys()].some((b) => structure.depends(thing, b));
    const replaced = new Map([...[...this.under.replaced].filter(([thing]) => stays(thing)), ...by]);
    const over = new Map([...this.under.over, ...[...by].flatMap(([thing, { vars }]) => (vars.length > 0 ? [[thing, vars] as const] : []))]);
    return new Lowering(this.entry, this.frame, { parent: this, replaced, own: [...by.keys()], copies, over });
  }

  private draw(core: CoreOf<"random">): Value {
    const { builder: e, variables, structure } = this.entry;
    const args = core.args.map((a) => convertValue(e, this.get(a), "f32"));
    const { nodes, vars } = together(e, variables, args, core.type.shape);
    const turns = (core.within ?? []).map((l) => this.get(structure.turn(l, core)).node);
    // Over a copy's indices the draw is the same: a copy is of the values that were drawn.
    const own = vars.filter((v) => structure.free(core).has(v));
    const shape = [...own.map((v) => v.extent), ...core.type.shape];
    const hash = this.entry.stream(core.path, core.span);
    // Words are counted by example: the axis that data decides comes first, wherever it stands.
    const order = byExample(shape);
    const placed = (node: Node): Node => e.transpose(node, order.map((_, a) => order.indexOf(a)));
    const words = (node: Node): Node => spread(e, { node: placed(node), vars: own }, vars, core.type.shape);
    const node = drawNode(e, { distribution: core.distribution, path: core.path, hash, shape: order.map((a) => shape[a] as Dim), spread: words, turns, args: nodes });
    return { node: convert(e, node, core.type.dtype), vars };
  }

  /** A carry or the turn of the loop whose body this is. */
  private bound(core: CoreOf<"carry"> | CoreOf<"iteration">): Value {
    const carry = core.kind === "carry" && this.carriedValue(core.carry);
    if (carry) return carry;
    if (core.kind === "iteration" && core.loop === this.frame?.loop.variable) return turnValue(this.entry.builder, core.loop);
    throw new InternalError("build", `${core.kind === "carry" ? `carry ${core.carry.name}` : `turn ${core.loop.name}`} is used outside its loop`);
  }

  private loop(core: CoreOf<"loop">): Value {
    const { loop } = core;
    if (!this.loops.has(loop)) this.loops.set(loop, loop.trip === 0 ? undefined : this.makeLoop(core));
    const made = this.loops.get(loop);
    const { builder: e } = this.entry;
    const carry = loop.carries[core.result];
    if (!carry) throw new InternalError("build", `the loop has no result ${core.result}`);
    if (made) return { node: e.pick(made.node, loop.kind === "scan" ? loop.carries.length + core.result : core.result), vars: made.vars };
    // Of no turns nothing is stacked.
    if (loop.kind === "scan") return tensorValue(e.const(core.type, 0));
    const init = convertValue(e, this.get(carry.init), carry.variable.type.dtype);
    return { node: spread(e, init, init.vars, carry.variable.type.shape), vars: init.vars };
  }

  /** The loop node. Index variables of an equation around it become leading axes of its carries. */
  private makeLoop(core: CoreOf<"loop">): { readonly node: Node; readonly vars: readonly IndexVar[] } {
    const { loop } = core;
    const { builder: e, structure, variables } = this.entry;
    const around = structure.free(core);
    const taken = structure.taken(loop, around);
    const outside = new Map(taken.map((c) => [c, this.get(c)]));
    const inits = loop.carries.map((c) => convertValue(e, this.get(c.init), c.variable.type.dtype));
    const vars = variables.union([[...around].filter(isIndexVar), ...[...inits, ...outside.values()].map((v) => v.vars)]);
    const frame = new LoopFrame(e, loop, outside);
    const body = new Lowering(this.entry, frame, { ...nothingReplaced, over: this.under.over });
    loop.carries.forEach(({ variable }, k) => {
      const type = { dtype: variable.type.dtype, shape: [...vars.map((v) => v.extent), ...variable.type.shape] };
      body.carried.set(variable, { node: e.leaf({ kind: "carry", path: String(k), type }), vars });
    });
    const next = loop.carries.map(({ variable, next: c }) => spread(e, convertValue(e, body.evaluate(c), variable.type.dtype), vars, variable.type.shape));
    const results = loop.kind === "scan" ? [...next, ...next] : next;
    const node = e.make("loop", { trip: loop.trip, body: makeBody(results), carries: next.length, slices: frame.slices.length, reverse: false }, [
      ...inits.map((v, k) => spread(e, v, vars, loop.carries[k]?.variable.type.shape ?? [])), ...frame.slices, ...frame.captures,
    ]);
    return { node, vars };
  }
}
