/**
 * The transcendental functions as formulas over basic operations, so that every target computes the same. Each has a
 * stated error, measured against f64 by the tests ("ulp" is the spacing of f32 at the exact result) with basic operations
 * that round correctly; a target whose division is looser adds that to `log log1p tanh sigmoid`.
 *
 * Method: arguments are reduced by exact steps (Cody and Waite: a constant in parts, the first so short that its
 * multiples are exact), then a polynomial; coefficients are Chebyshev interpolants rounded to f32.
 *
 * No infinity is produced from finite values but log(0): results that would overflow saturate at the largest f32,
 * results below the smallest normal f32 may be 0. A NaN is made from run-time bits alone (as a constant it would not
 * compile) and is meant to be seen by `finite`, not computed with. Comparisons come first and are false for NaN, so a NaN
 * that goes in comes out wherever the target keeps NaN at all.
 */
import { call } from "../ir/scalar.ts";
import type { Scalar, ScalarFunction } from "../ir/scalar.ts";
import { Formula, abs, add, and, bitand, bitor, bits, cast, div, eq, floor, ge, gt, int, le, lt, max, mul, ne, neg, num, or, pick, polynomial, rem, shl, shr, sqrt, sub, word } from "./formula.ts";

const largest = 3.4028234663852886e38;
/** Between these exp is a normal f32: ln 2^-126 and ln of the largest. */
const [lowestExponent, highestExponent] = [-87.33654, 88.72283];
const smallestNormal = 1.1754943508222875e-38;
/** ln 2 in a part of 12 bits and the rest. */
const ln2 = [0.693115234375, 3.194618329871446e-5] as const;
/** π/2 in two parts of 10 bits and the rest. */
const halfPi = [1.5703125, 4.8351287841796875e-4, 3.1391647326017846e-7] as const;
/** (e^r - 1 - r) / r² for |r| <= ln 2 / 2. */
const exponential = [0.5, 0.16666576266288757, 0.04166655242443085, 0.00836323294788599, 0.0013926250394433737];
/** (2 atanh s - 2 s) / s³ in s², for s² <= 0.0295. */
const areaTangent = [0.6666666865348816, 0.4000012278556824, 0.28550758957862854, 0.2333216816186905];

/** Bits whose last nine are those of a whole f32 n, |n| < 2^22: n + 1.5·2^23 has them, which costs less than a conversion that saturates. */
function lastBits(n: Scalar): Scalar {
  return bits(add(n, num(1.5 * 2 ** 23)), "u32");
}

/** 2^n for a whole f32 n in -126..127. */
function powerOfTwo(n: Scalar): Scalar {
  return bits(shl(add(lastBits(n), word(127)), word(23)), "f32");
}

/** n and r with x = n ln 2 + r, |r| <= ln 2 / 2, then e^r - 1. */
function reducedExponential(f: Formula, x: Scalar): { readonly n: Scalar; readonly rest: Scalar } {
  const n = f.let(floor(add(mul(x, num(Math.LOG2E)), num(0.5))));
  const r = f.let(sub(sub(x, mul(n, num(ln2[0]))), mul(n, num(ln2[1]))));
  return { n, rest: f.let(add(r, mul(mul(r, r), polynomial(r, exponential)))) };
}

/** log(1 + x) for -0.3 <= x <= 0.4143: x - s (x - s²·R), s = x / (2 + x). */
function logNearOne(f: Formula, x: Scalar): Scalar {
  const s = f.let(div(x, add(num(2), x)));
  const z = f.let(mul(s, s));
  return f.let(sub(x, mul(s, sub(x, mul(z, polynomial(z, areaTangent))))));
}

/** 2^n e^r - 1 from e^r - 1, as 2^n (e^r - 1) + (2^n - 1), where 2^n - 1 is exact or far smaller than what rounds away. */
function lessOne(f: Formula, n: Scalar, rest: Scalar): Scalar {
  const scale = f.let(powerOfTwo(n));
  return add(mul(scale, rest), sub(scale, num(1)));
}

function makeExp(): ScalarFunction {
  const f = new Formula("exp", "e^x. At most 1.3 ulp. Saturates at 3.4028235e38 for x > 88.72283; 0 for x < -87.33654.", ["f32"]);
  const x = f.arg(0);
  // Beyond its range what follows is anything, and not taken.
  const { n, rest } = reducedExponential(f, x);
  // n is added to the exponent's bits: 2^128 is no f32, but where n is 128 the factor is below 1.
  const value = f.let(bits(add(bits(add(rest, num(1)), "u32"), shl(lastBits(n), word(23))), "f32"));
  // What is neither below, within nor above the range is a NaN.
  return f.returns(pick(lt(x, num(lowestExponent)), num(0), pick(le(x, num(highestExponent)), value, pick(gt(x, num(highestExponent)), num(largest), x))));
}

function makeExpBelow(): ScalarFunction {
  const f = new Formula("exp_below", "e^x for x <= 88. At most 1.3 ulp. 0 for x < -87.33654.", ["f32"]);
  const x = f.arg(0);
  const { n, rest } = reducedExponential(f, x);
  // 2^n is an f32, so that NaN goes through by itself: one choice for three.
  return f.returns(pick(lt(x, num(lowestExponent)), num(0), mul(add(rest, num(1)), powerOfTwo(n))));
}

/** k and y with |x| = 2^k (1 + y), -0.3 <= y <= 0.4143, and ln(1 + y); x positive or 0, subnormals by way of their 2^24-fold. */
function logarithmParts(f: Formula, x: Scalar): { readonly k: Scalar; readonly near: Scalar; readonly scaled: Scalar } {
  const tiny = f.let(lt(x, num(smallestNormal)));
  const scaled = f.let(pick(tiny, mul(x, num(2 ** 24)), x));
  const b = f.let(bits(scaled, "u32"));
  const m = f.let(bits(bitor(bitand(b, word(0x7fffff)), word(0x3f800000)), "f32"));
  const e = f.let(cast(sub(cast(bitand(shr(b, word(23)), word(255)), "i32"), pick(tiny, int(151), int(127))), "f32"));
  const big = f.let(gt(m, num(Math.SQRT2)));
  const k = f.let(pick(big, add(e, num(1)), e));
  const y = f.let(sub(pick(big, mul(m, num(0.5)), m), num(1)));
  return { k, near: logNearOne(f, y), scaled };
}

function makeLog(): ScalarFunction {
  const f = new Formula("log", "ln x. At most 1 ulp for x > 0. Zero, and subnormals where they are flushed, give the bits of -infinity, x < 0 those of NaN; infinity and NaN are kept.", ["f32"]);
  const x = f.arg(0);
  const { k, near, scaled } = logarithmParts(f, x);
  const value = f.let(add(mul(k, num(ln2[0])), add(mul(k, num(ln2[1])), near)));
  const b = f.let(bits(x, "u32"));
  const kept = f.let(pick(eq(bitand(b, word(0x7f800000)), word(0x7f800000)), x, value));
  // The sign bit decides between -infinity and NaN; `bitand(b, 0)` keeps the word a run-time value.
  const broken = f.let(bits(bitor(bitand(b, word(0)), pick(lt(x, num(0)), word(0x7fc00000), word(0xff800000))), "f32"));
  return f.returns(pick(lt(scaled, num(smallestNormal)), broken, kept));
}

/** e^x. */
export const expFunction: ScalarFunction = makeExp();
/** e^x of what is known to be at most 88. */
export const expBelowFunction: ScalarFunction = makeExpBelow();
/** What the latter takes. */
export const mostBelow = 88;

/** Either of them. */
export function isExponential(fn: ScalarFunction): boolean {
  return fn === expFunction || fn === expBelowFunction;
}
/** ln x. */
export const logFunction: ScalarFunction = makeLog();

function makeLog1p(): ScalarFunction {
  const f = new Formula("log1p", "ln(1 + x). At most 3 ulp; small x keeps its digits.", ["f32"]);
  const x = f.arg(0);
  const near = f.let(and(gt(x, num(-0.2928)), lt(x, num(0.4142))));
  const small = f.let(pick(near, x, num(0)));
  const close = logNearOne(f, small);
  return f.returns(pick(near, close, call(logFunction, [add(num(1), x)])));
}

function makeExpm1(): ScalarFunction {
  const f = new Formula("expm1", "e^x - 1. At most 2 ulp; small x keeps its digits. Saturates as exp does; -1 for x < -30.", ["f32"]);
  const x = f.arg(0);
  const low = f.let(pick(lt(x, num(-30)), num(-30), x));
  const inside = f.let(pick(gt(low, num(highestExponent)), num(highestExponent), low));
  const { n, rest } = reducedExponential(f, inside);
  // 2^128 is no f32: where n is 128, twice the value for 127, which nothing that is subtracted shows in.
  const top = f.let(gt(n, num(127)));
  const value = f.let(lessOne(f, pick(top, num(127), n), rest));
  return f.returns(pick(gt(x, num(highestExponent)), num(largest), pick(top, add(value, value), value)));
}

/** ln(1 + x). */
export const log1pFunction: ScalarFunction = makeLog1p();
/** e^x - 1. */
export const expm1Function: ScalarFunction = makeExpm1();

function makeTanh(): ScalarFunction {
  const f = new Formula("tanh", "(e^2x - 1) / (e^2x + 1). At most 3 ulp, for every x.", ["f32"]);
  const x = f.arg(0);
  const size = f.let(abs(x));
  const inside = f.let(pick(gt(size, num(10)), num(10), size));
  const { n, rest } = reducedExponential(f, f.let(add(inside, inside)));
  const t = f.let(lessOne(f, n, rest));
  const value = f.let(div(t, add(t, num(2))));
  return f.returns(pick(lt(x, num(0)), neg(value), value));
}

function makeSigmoid(): ScalarFunction {
  const f = new Formula("sigmoid", "1 / (1 + e^-x). At most 3 ulp; 0 for x < -87.33654.", ["f32"]);
  const x = f.arg(0);
  const e = f.let(call(expBelowFunction, [neg(abs(x))]));
  return f.returns(div(pick(lt(x, num(0)), e, num(1)), add(num(1), e)));
}

function makeErf(): ScalarFunction {
  const f = new Formula("erf", "2/√π ∫₀ˣ e^-t² dt. Absolute error below 1.2e-7, at most 2 ulp.", ["f32"]);
  const x = f.arg(0);
  const size = f.let(abs(x));
  const small = f.let(lt(size, num(1)));
  const z = f.let(mul(x, x));
  // The leading coefficient 2/√π apart from 1, so that its rounding does not show.
  const near = f.let(add(x, mul(x, polynomial(z, [
    0.12837916709551256, -0.37612637877464294, 0.11283782124519348, -0.026865430176258087, 0.005221031606197357, -0.0008484080317430198,
    0.00011265958892181516, -9.667044650996104e-6,
  ]))));
  const inside = f.let(pick(gt(size, num(4)), num(4), pick(small, num(1), size)));
  // ln erfc(y) for 1 <= y <= 4, around 2.5.
  const exponent = polynomial(f.let(sub(inside, num(2.5))), [
    -7.806815147399902, -5.352680683135986, -0.9438937306404114, -0.01085854135453701, 0.0021653035655617714, -0.00042012252379208803,
    7.729137723799795e-5, -1.3315014257386792e-5, 1.6371513993362896e-6,
  ]);
  const far = f.let(sub(num(1), call(expBelowFunction, [exponent])));
  return f.returns(pick(small, near, pick(lt(x, num(0)), neg(far), pick(gt(x, num(0)), far, x))));
}

/** sin and cos share the reduction x = n π/2 + r, |r| <= π/4; `turn` quarter turns are added. */
function makeWave(name: "sin" | "cos", turn: number): ScalarFunction {
  const f = new Formula(name, `${name} x. Absolute error below 1e-7 for |x| <= 20,000, below 1e-6 for |x| <= 100,000; beyond, a number from -1 to 1.`, ["f32"]);
  const x = f.arg(0);
  const n = f.let(floor(add(mul(x, num(0.6366197723675814)), num(0.5))));
  const reduced = f.let(sub(sub(sub(x, mul(n, num(halfPi[0]))), mul(n, num(halfPi[1]))), mul(n, num(halfPi[2]))));
  // Far out nothing of x is left; within reach this changes nothing. NaN is neither larger nor smaller, and stays.
  const below = f.let(pick(gt(reduced, num(0.8)), num(0.8), reduced));
  const r = f.let(pick(lt(below, num(-0.8)), num(-0.8), below));
  const z = f.let(mul(r, r));
  const sine = f.let(add(r, mul(mul(r, z), polynomial(z, [-0.166666641831398, 0.008332746103405952, -0.00019587387214414775]))));
  const cosine = f.let(add(sub(num(1), mul(z, num(0.5))), mul(mul(z, z), polynomial(z, [0.0416666641831398, -0.0013888300163671374, 2.4547436623834074e-5]))));
  // Whole numbers beyond 2^24 are no quarters that anyone could count.
  const counted = f.let(pick(gt(abs(n), num(2 ** 24)), num(0), n));
  const quarter = f.let(bitand(bits(add(cast(counted, "i32"), int(turn)), "u32"), word(3)));
  const value = f.let(pick(eq(bitand(quarter, word(1)), word(1)), cosine, sine));
  return f.returns(pick(ge(quarter, word(2)), neg(value), value));
}

/** tanh x. */
export const tanhFunction: ScalarFunction = makeTanh();
/** σ(x). */
export const sigmoidFunction: ScalarFunction = makeSigmoid();
/** erf x. */
export const erfFunction: ScalarFunction = makeErf();
/** sin x. */
export const sinFunction: ScalarFunction = makeWave("sin", 0);
/** cos x. */
export const cosFunction: ScalarFunction = makeWave("cos", 1);

function makeFinite(): ScalarFunction {
  const f = new Formula("is_finite", "Whether the exponent bits are not all set. Exact.", ["f32"]);
  return f.returns(ne(bitand(bits(f.arg(0), "u32"), word(0x7f800000)), word(0x7f800000)));
}

/** True for finite bits. */
export const finiteFunction: ScalarFunction = makeFinite();

/** Quotient and remainder that round down, from the target's truncating ones. */
function makeFloored(name: "floordiv" | "floormod"): ScalarFunction {
  const f = new Formula(name, "Integer division rounding down: x = y·(x // y) + x % y, where x % y has the sign of y. Exact for y ≠ 0.", ["i32", "i32"]);
  const [x, y] = [f.arg(0), f.arg(1)];
  const r = f.let(rem(x, y));
  const off = f.let(and(ne(r, int(0)), or(and(lt(r, int(0)), gt(y, int(0))), and(gt(r, int(0)), lt(y, int(0))))));
  return f.returns(name === "floordiv" ? pick(off, sub(div(x, y), int(1)), div(x, y)) : pick(off, add(r, y), r));
}

/** x // y on i32. */
export const floordivFunction: ScalarFunction = makeFloored("floordiv");
/** x % y on i32. */
export const floormodFunction: ScalarFunction = makeFloored("floormod");

/** Whole exponents up to this are done by multiplying. */
const mostProducts = 64;

/**
 * x^exponent. Whole exponents n up to 64 by repeated squaring (relative error at most (n - 1) · 6e-8), halves with one square
 * root, others as 2^(exponent · k) e^(exponent · ln m) with x = 2^k m, to a few ulp. A negative x under an exponent that
 * is not whole gives the bits of NaN; 0 under a negative exponent saturates or divides by zero as the target does.
 */
export function powerScalar(x: Scalar, exponent: number): Scalar {
  if (exponent < 0) return div(num(1), powerScalar(x, -exponent));
  if (exponent === 0) return num(1);
  if (exponent === 0.5) return sqrt(x);
  if (Number.isInteger(exponent) && exponent <= mostProducts) return call(wholePowers[exponent] as ScalarFunction, [x]);
  if (Number.isInteger(exponent * 2) && exponent <= mostProducts) return mul(call(wholePowers[Math.floor(exponent)] as ScalarFunction, [x]), sqrt(x));
  return call(powerFunction, [x, num(exponent)]);
}

function wholePower(exponent: number): ScalarFunction {
  if (exponent === 0) return new Formula("power_0", "1.", ["f32"]).returns(num(1));
  const f = new Formula(`power_${exponent}`, `x^${exponent} by repeated squaring.`, ["f32"]);
  let square = f.arg(0);
  let product: Scalar | undefined;
  for (let left = exponent; ; left = Math.floor(left / 2)) {
    if (left % 2 === 1) product = product ? f.let(mul(product, square)) : square;
    if (left <= 1) return f.returns(product ?? num(1));
    square = f.let(mul(square, square));
  }
}

/**
 * x^y for y > 0, y not a small whole number: with x = 2^k m, 2^(y k) e^(y ln m). y is cut into 12 bits and a rest, so that the whole part
 * of y k is taken out exactly and nothing large is rounded.
 */
function realPower(): ScalarFunction {
  const f = new Formula("power", "x^y for x > 0, of an error that grows with y as y · ln √2 is rounded; saturates as exp does; 0 at 0; for x < 0 with the sign of x^y where y is whole, else the bits of NaN; infinity and NaN are kept.", ["f32", "f32"]);
  const [x, y] = [f.arg(0), f.arg(1)];
  const size = f.let(max(abs(x), num(smallestNormal)));
  const { k, near } = logarithmParts(f, size);
  const high = f.let(bits(bitand(bits(y, "u32"), word(0xfffff000)), "f32"));
  const low = f.let(sub(y, high));
  const powers = f.let(mul(high, k));
  const n = f.let(floor(add(powers, num(0.5))));
  const rest = f.let(add(mul(sub(powers, n), num(Math.LN2)), add(mul(mul(low, k), num(Math.LN2)), mul(y, near))));
  const whole = f.let(floor(add(mul(rest, num(Math.LOG2E)), num(0.5))));
  const total = f.let(add(mul(n, num(Math.LN2)), rest));
  const inside = f.let(and(ge(total, num(lowestExponent)), lt(total, num(highestExponent))));
  // Taken out of `rest` too, and put together in two factors, so that each is a normal power of two.
  const exponent = f.let(pick(inside, add(n, whole), num(0)));
  const half = f.let(floor(mul(exponent, num(0.5))));
  const mantissa = f.let(call(expFunction, [sub(sub(rest, mul(whole, num(ln2[0]))), mul(whole, num(ln2[1])))]));
  const value = f.let(pick(inside, mul(mul(mantissa, powerOfTwo(half)), powerOfTwo(sub(exponent, half))), pick(lt(total, num(0)), num(0), num(largest))));
  const even = f.let(mul(y, num(0.5)));
  const signed = f.let(pick(eq(floor(even), even), value, neg(value)));
  const broken = f.let(bits(bitor(bitand(bits(x, "u32"), word(0)), word(0x7fc00000)), "f32"));
  const finite = f.let(pick(lt(abs(x), num(smallestNormal)), num(0), pick(lt(x, num(0)), pick(eq(floor(y), y), signed, broken), value)));
  const kept = f.let(eq(bitand(bits(x, "u32"), word(0x7f800000)), word(0x7f800000)));
  return f.returns(pick(kept, x, finite));
}

const wholePowers: readonly ScalarFunction[] = Array.from({ length: mostProducts + 1 }, (_, n) => wholePower(n));
/** x^y for an exponent that is no small whole number or half of one. */
export const powerFunction: ScalarFunction = realPower();
