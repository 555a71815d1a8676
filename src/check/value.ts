/**
 * What an expression means while it is checked. Most values are tensors, carried as Core with what is known of them
 * before anything runs; the rest are functions, distributions, instances, sets of parameters and lists.
 *
 *     2 * hidden        { kind: "tensor", core: mul(2, hyper hidden), known: 64, hypers: {hidden} }
 *     weights           { kind: "set", members: [W1, W2] }
 *     normal(0, 1)      { kind: "distribution", name: "normal", args: [0, 1] }
 *
 * `poison` stands for something that was already reported: whoever meets it stays silent and passes it on.
 */
import type { Dim } from "../ir/dims.ts";
import type { Fn, Initializer, Layer, Optimizer, Schedule } from "../syntax/ast.ts";
import type { Span } from "../support/span.ts";
import type { Core, IndexVar } from "./core.ts";
import type { Definition, Scope } from "./scope.ts";

/** c + Σ coefficient · variable: the form of an index that ranges can be solved for. */
export interface IndexForm {
  readonly constant: Dim;
  readonly terms: ReadonlyMap<IndexVar, number>;
}

/** A tensor (or a number) and what is known of it. */
export interface TensorValue {
  readonly kind: "tensor";
  readonly core: Core;
  /** Its value, if known before anything runs: a number (bool as 0 or 1), or a size. */
  readonly known?: Dim;
  /** Numbers written in the source take the element type of what they meet. */
  readonly literal?: boolean;
  /** Hyperparameters that `known` depends on: using it statically fixes them. */
  readonly hypers?: ReadonlySet<string>;
  /** Where each axis got its size. */
  readonly fixed?: readonly (Span | undefined)[];
  /** The variables of index notation that it depends on: one number of many. Never empty. */
  readonly indexed?: ReadonlySet<IndexVar>;
  readonly form?: IndexForm;
  /** A boolean that is known in training and elsewhere, perhaps differently. */
  readonly staged?: { readonly training: boolean; readonly elsewhere: boolean };
}

/** Several tensors taken as one long vector: `weights`, or the gradient for them. */
export interface SetValue {
  readonly kind: "set";
  readonly members: readonly TensorValue[];
}

export type Callable = Fn | Layer | Optimizer | Schedule | Initializer;

/** A declared function and the scope it was declared in. */
export interface CallableValue {
  readonly kind: "callable";
  readonly declaration: Callable;
  readonly scope: Scope<Value>;
}

/** A function of the core, by name. */
export interface BuiltinValue {
  readonly kind: "builtin";
  readonly name: string;
}

/** A function that the place gives: `loss_at` in an optimizer over all parameters. */
export interface NativeValue {
  readonly kind: "native";
  readonly name: string;
  readonly params: readonly string[];
  /** How many of them must be given. */
  readonly required: number;
  readonly run: (args: readonly (GivenArgument | undefined)[], span: Span) => Value;
}

/** `normal(0, 1)`: becomes a draw when it gets a shape. */
export interface DistributionValue {
  readonly kind: "distribution";
  readonly name: "uniform" | "normal" | "bernoulli";
  readonly args: readonly TensorValue[];
  readonly span: Span;
}

/** `constant(3)` or `he_normal`: an initialiser with its arguments, waiting for a shape. */
export interface InitialiserValue {
  readonly kind: "initialiser";
  readonly declaration: Initializer;
  readonly scope: Scope<Value>;
  readonly args: ReadonlyMap<string, Value>;
}

/** `instance dense(units = 64)`: its calls share parameters. */
export interface InstanceValue {
  readonly kind: "instance";
  readonly declaration: Layer;
  readonly scope: Scope<Value>;
  readonly args: ReadonlyMap<string, GivenArgument>;
  readonly path: string;
  readonly id: number;
  readonly span: Span;
}

/** Several results: `return a, b`. */
export interface ListValue {
  readonly kind: "list";
  readonly items: readonly Value[];
}

export interface TextValue {
  readonly kind: "text";
  readonly text: string;
}

/** `use "losses.dl" as more`: what stands behind `more.`. */
export interface FileValue {
  readonly kind: "file";
  readonly path: string;
  readonly members: ReadonlyMap<string, Definition<Value>>;
  /** Names of its models, which only `train` may name. */
  readonly models: readonly string[];
}

export interface Poison {
  readonly kind: "poison";
}

export type Value =
  | TensorValue | SetValue | CallableValue | BuiltinValue | NativeValue | DistributionValue | InitialiserValue | InstanceValue | ListValue | TextValue | FileValue | Poison;

/** An argument with the place it was written at. */
export interface GivenArgument {
  readonly value: Value;
  readonly span: Span;
}

/** What was already reported. */
export const poison: Poison = { kind: "poison" };

/** What a value is, for messages. */
export function describe(value: Value): string {
  switch (value.kind) {
    case "tensor":
      return value.core.type.shape.length === 0 ? "a number" : "a tensor";
    case "set":
      return "a set of parameters";
    case "callable":
      return `the ${value.declaration.kind === "fn" ? "function" : value.declaration.kind} \`${value.declaration.name.name}\``;
    case "builtin":
    case "native":
      return `the function \`${value.name}\``;
    case "distribution":
      return `the distribution \`${value.name}\``;
    case "initialiser":
      return `the initialiser \`${value.declaration.name.name}\``;
    case "instance":
      return `an instance of \`${value.declaration.name.name}\``;
    case "list":
      return `${value.items.length} values`;
    case "text":
      return "a text";
    case "file":
      return `the file \`${value.path}\``;
    case "poison":
      return "something unknown";
  }
}
