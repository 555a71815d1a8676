/**
 * The training step: loss, gradients, clipping, updates, and the status word on which every update depends. In: a
 * lowering for training, the checked model and one step of its train block. Out: the outputs and commits of the step.
 *
 *     status' = select(status != 0, status, select(any non-finite in loss or gradients, t, 0))
 *     W'      = select(status' == 0, new W, W)
 *
 * Steps are queued ahead and updates happen in place, so the host could not stop in time: once a step is bad, this and
 * all later ones keep every stored value, and `status` names the step.
 */
import type { Emit } from "../ir/emit.ts";
import type { Commit, Node, Output } from "../ir/node.ts";
import { tensor } from "../ir/types.ts";
import type { TensorType } from "../ir/types.ts";
import type { CheckedModel, CheckedParam, CheckedStep, CheckedTrain, Clip, Likeness, ParamUpdates, Term, Update } from "../check/checked.ts";
import { sharedObjective, stepsOf } from "../check/train-facts.ts";
import { invariant } from "../support/diagnostic.ts";
import type { Entry } from "./build-entry.ts";
import type { Lowering } from "./build-lower.ts";
import { Recipe } from "./recipe.ts";

const scalar = tensor("f32", []);
const statusType = tensor("u32", []);

/** The minimised whole and each named term. */
export function lossOutputs(entry: Entry, lowering: Lowering, terms: readonly Term[]): { readonly loss: Node | undefined; readonly outputs: readonly Output[] } {
  const { builder: e } = entry;
  let loss: Node | undefined;
  const named: Output[] = [];
  for (const term of terms) {
    const node = lowering.tensor(term.value, scalar);
    const signed = e.origin([term.span], undefined, () => (term.sense === "maximize" ? e.neg(node) : node));
    const before = loss;
    loss = before ? e.origin(terms.map((t) => t.span), "the sum of the loss's terms", () => e.add(before, signed)) : signed;
    // The whole is called `loss`; a term of that name is (a part of) it.
    if (term.name !== "loss") named.push({ name: term.name, kind: "term", node });
  }
  return { loss, outputs: loss ? [{ name: "loss", kind: "loss", node: loss }, ...named] : named };
}

/** One thing that is minimised, over these parameters. */
export interface Loss {
  /** `loss`; `critic.loss` where steps minimise different things. */
  readonly name: string;
  readonly loss: Node;
  readonly params: readonly CheckedParam[];
}

/** What training minimises, and what an evaluation says of it: the loss where there is one, and each named term. */
export function lossesOf(entry: Entry, lowering: Lowering, model: CheckedModel, train: CheckedTrain | undefined): { readonly losses: readonly Loss[]; readonly outputs: readonly Output[] } {
  const steps = train ? stepsOf(train) : [];
  const shared = sharedObjective(steps);
  if (shared === "terms") {
    const { loss, outputs } = lossOutputs(entry, lowering, model.terms);
    return { losses: loss ? [{ name: "loss", loss, params: model.params }] : [], outputs };
  }
  const terms = model.terms.filter((t) => t.name !== "loss").map((t): Output => ({ name: t.name, kind: "term", node: lowering.tensor(t.value, scalar) }));
  if (shared !== undefined) {
    const loss = lowering.tensor(shared, scalar);
    return { losses: [{ name: "loss", loss, params: model.params }], outputs: [{ name: "loss", kind: "loss", node: loss }, ...terms] };
  }
  const losses = new Map<string, Loss>();
  for (const step of steps) {
    const { loss } = stepLoss(entry, lowering, step);
    // Phases may have steps of one name: they share it where they minimise the same.
    const short = `${step.name ?? "step"}.loss`;
    const name = (losses.get(short)?.loss ?? loss) === loss ? short : `${step.entry === "step" ? "whole" : step.entry.slice("step.".length)}.loss`;
    const trained = new Set([...(losses.get(name)?.params ?? []).map((p) => p.path), ...step.optimizer.perParam.map((p) => p.param)]);
    losses.set(name, { name, loss, params: model.params.filter((p) => trained.has(p.path)) });
  }
  return { losses: [...losses.values()], outputs: terms };
}

/** What a step minimises, and the terms in it. */
function stepLoss(entry: Entry, lowering: Lowering, step: CheckedStep): { readonly loss: Node; readonly outputs: readonly Output[] } {
  if (step.objective === undefined) {
    const { loss, outputs } = lossOutputs(entry, lowering, step.terms);
    invariant(loss, "build", "a step has nothing to minimise");
    return { loss, outputs };
  }
  const loss = lowering.tensor(step.objective, scalar);
  const terms = step.terms.filter((t) => t.name !== "loss").map((t): Output => ({ name: t.name, kind: "term", node: lowering.tensor(t.value, scalar) }));
  return { loss, outputs: [{ name: "loss", kind: "loss", node: loss }, ...terms] };
}

/** The gradient of the loss by each of these parameters, not clipped. */
export function gradientNodes(entry: Entry, params: readonly CheckedParam[], loss: Node): ReadonlyMap<string, Node> {
  const { builder: e } = entry;
  return new Map(
    params.map((p) => [
      p.path, e.origin([p.span], `gradient of the loss by ${p.path}`, () => e.make("derive", { kind: "grad" }, [loss, entry.leaf("param", p.path, p.type)])),
    ]),
  );
}

/** Everything a training step yields and stores. */
export function stepParts(entry: Entry, lowering: Lowering, model: CheckedModel, step: CheckedStep): { readonly outputs: readonly Output[]; readonly commits: readonly Commit[] } {
  const { builder: e } = entry;
  const { loss, outputs } = stepLoss(entry, lowering, step);
  const trained = new Set(step.optimizer.perParam.map((p) => p.param));
  const raw = gradientNodes(entry, model.params.filter((p) => trained.has(p.path)), loss);
  const following = lowering.following();
  for (const [path, g] of clipped(entry, following, raw, step.clip)) entry.gradients.set(path, g);

  const predicate = "updates are kept only while everything is finite";
  const status = e.origin([step.span], predicate, () => statusNode(e, [loss, ...raw.values()]));
  const sound = e.origin([step.span], predicate, () => e.compare("==", status, e.like(status, 0)));

  const commit = (kind: Commit["kind"], update: Update, type: TensorType): Commit => {
    const next = following.tensor(update.value, type);
    const old = e.leaf({ kind, path: update.path, type });
    const node = e.origin([update.span], predicate, () => e.select(e.broadcast(sound, type.shape, []), next, old));
    return { kind, path: update.path, node };
  };
  const types = new Map([...model.params, ...model.states].map((s) => [s.path, s.type]));
  const recipes = new Map<ParamUpdates, Made>();
  const own = (one: ParamUpdates): readonly Commit[] => {
    const known = one.like && recipes.get(one.like.of);
    if (known && one.like) return madeAgain(entry, known, one.param, one.like);
    const { param, states, updates } = one;
    const stateTypes = new Map(states.map((s) => [s.path, s.type]));
    const { result, steps } = e.recorded(() => updates.map((u) => commit(u.path === param ? "param" : "state", u, stateTypes.get(u.path) ?? types.get(u.path) ?? u.value.type)));
    recipes.set(one, { commits: result, gradient: entry.gradient(param), recipe: new Recipe(steps, new Set([param, ...stateTypes.keys()]), [entry.gradient(param)]) });
    return result;
  };
  const commits: Commit[] = step.optimizer.perParam.flatMap(own);
  for (const u of model.updates) commits.push(commit("state", u, types.get(u.path) ?? u.value.type));
  commits.push({ kind: "state", path: "status", node: status });
  return { outputs: [...outputs, { name: "status", kind: "status", node: status }], commits };
}

/** What the updates of one parameter became. */
interface Made {
  readonly commits: readonly Commit[];
  readonly gradient: Node;
  readonly recipe: Recipe;
}

/** The same of a parameter like it. */
function madeAgain(entry: Entry, made: Made, param: string, { paths }: Likeness): readonly Commit[] {
  const became = made.recipe.make(entry.builder, { paths, nodes: new Map([[made.gradient, entry.gradient(param)]]) });
  return made.commits.map(({ kind, path, node }) => ({ kind, path: paths.get(path) ?? path, node: became(node) }));
}

/** The sticky word: 0, or the number of the first step in which one of the values was not finite. */
function statusNode(e: Emit, watched: readonly Node[]): Node {
  const before = e.leaf({ kind: "state", path: "status", type: statusType });
  const zero = e.const(statusType, 0);
  const bad = watched.map((x) => e.reduce("any", e.not(e.finite(x)), x.type.shape.map((_, a) => a)));
  const any = bad.length === 0 ? e.const(tensor("bool", []), 0) : bad.reduce((a, b) => e.logic("or", a, b));
  const t = e.cast(e.leaf({ kind: "step", path: "t", type: scalar }), "u32");
  return e.select(e.compare("!=", before, zero), before, e.select(any, t, zero));
}

/** g · limit / max(‖g‖, limit) over all parameters together, or each element brought into -limit .. limit. */
function clipped(entry: Entry, lowering: Lowering, gradients: ReadonlyMap<string, Node>, clip: Clip | undefined): ReadonlyMap<string, Node> {
  if (!clip || gradients.size === 0) return gradients;
  const { builder: e } = entry;
  const limit = lowering.tensor(clip.limit, scalar);
  return e.origin([clip.limit.span], clip.kind === "norm" ? "clipping by the norm of all gradients" : "clipping by value", () => {
    if (clip.kind === "value") {
      return new Map([...gradients].map(([path, g]) => {
        const most = e.broadcast(limit, g.type.shape, []);
        const least = e.neg(most);
        // min(x, limit) = -max(-x, -limit)
        return [path, e.neg(e.max(e.neg(e.max(g, least)), least))];
      }));
    }
    const squares = [...gradients.values()].map((g) => e.reduce("sum", e.mul(g, g), g.type.shape.map((_, a) => a)));
    const norm = e.sqrt(squares.reduce((a, b) => e.add(a, b)));
    const factor = e.div(limit, e.max(norm, limit));
    return new Map([...gradients].map(([path, g]) => [path, e.mul(g, e.broadcast(factor, g.type.shape, []))]));
  });
}
