/**
 * Names from the user's world as legal identifiers of the languages we write. Comes in: any text (`Digits.h.W`, `θ`,
 * `constructor`). Goes out: identifiers that are ASCII, legal, not reserved, and never twice the same from one namer.
 *
 * Invariants: deterministic, depends on the order of asking alone; no two different keys ever share a name, however
 * alike they become (`a.b` and `a_b`).
 *
 *     const namer = new Namer("wgsl");
 *     namer.of("h.θ")      // "h_theta"
 *     namer.of("h.θ")      // "h_theta": the same key
 *     namer.fresh("h.θ")   // "h_theta_2": another thing
 */
import { typescriptWords, wgslWords } from "./reserved-words.ts";

/** The languages that names are made for. */
export type NameTarget = "wgsl" | "typescript" | "html-id";

/** Names that objects inherit: as keys of a plain object they would be found where nothing was put. */
const prototypeNames: readonly string[] = [
  "constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "prototype", "toLocaleString", "toString", "valueOf",
];

const reserved: Readonly<Record<NameTarget, ReadonlySet<string>>> = {
  wgsl: wgslWords,
  typescript: new Set([...typescriptWords, ...prototypeNames]),
  "html-id": new Set(prototypeNames),
};

const greek: ReadonlyMap<string, string> = new Map(Object.entries({
  α: "alpha", β: "beta", γ: "gamma", δ: "delta", ε: "epsilon", ϵ: "epsilon", ζ: "zeta", η: "eta", θ: "theta", ϑ: "theta", ι: "iota", κ: "kappa",
  λ: "lambda", μ: "mu", ν: "nu", ξ: "xi", ο: "omicron", π: "pi", ρ: "rho", σ: "sigma", ς: "sigma", τ: "tau", υ: "upsilon", φ: "phi", ϕ: "phi",
  χ: "chi", ψ: "psi", ω: "omega", Γ: "Gamma", Δ: "Delta", Θ: "Theta", Λ: "Lambda", Ξ: "Xi", Π: "Pi", Σ: "Sigma", Φ: "Phi", Ψ: "Psi", Ω: "Omega",
}));

/** Longer names are cut: some targets limit identifiers, and nobody reads them. */
const longest = 80;

/** A text as ASCII letters, digits and single underscores, beginning with a letter; not unique, not checked for reserved words. */
export function tidyName(text: string): string {
  let out = "";
  for (const char of text.normalize("NFC").slice(0, 4 * longest)) {
    if (/[A-Za-z0-9]/.test(char)) out += char;
    else if (greek.has(char)) out += greek.get(char) ?? "";
    else {
      // Accents are dropped; what has no ASCII letter becomes its code point.
      const base = char.normalize("NFD").charAt(0);
      const [point = 0] = [char.codePointAt(0)];
      out += /[A-Za-z]/.test(base) ? base : point < 128 ? "_" : `u${point.toString(16)}`;
    }
    if (out.length >= longest) break;
  }
  const tidy = out.slice(0, longest).replace(/_+/g, "_").replace(/^_|_$/g, "");
  return tidy === "" ? "unnamed" : /^[0-9]/.test(tidy) ? `n${tidy}` : tidy;
}

/** Hands out names of one scope. */
export class Namer {
  private readonly reserved: ReadonlySet<string>;
  private readonly taken: Set<string>;
  private readonly known = new Map<string, string>();
  /** The last number tried for a base, so that a thousand equal names take a thousand steps. */
  private readonly numbers = new Map<string, number>();

  /** `taken` are names that are in use already, exactly as written. */
  constructor(target: NameTarget, taken: Iterable<string> = []) {
    this.reserved = reserved[target];
    this.taken = new Set(taken);
  }

  /** The name of a key: the same each time. */
  of(key: string): string {
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const made = this.fresh(key);
    this.known.set(key, made);
    return made;
  }

  /** A name that was never handed out. */
  fresh(wanted: string): string {
    const tidy = tidyName(wanted);
    const base = this.reserved.has(tidy) ? `${tidy}_` : tidy;
    let name = base;
    let number = this.numbers.get(base) ?? 1;
    while (this.taken.has(name) || this.reserved.has(name)) name = `${tidy}_${++number}`;
    this.numbers.set(base, number);
    this.taken.add(name);
    return name;
  }
}
