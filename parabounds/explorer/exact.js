// Exact numbers: rationals of BigInts, sums of logarithms, and how they are written.
"use strict";

function gcd(a, b) {
  a = a < 0n ? -a : a;
  b = b < 0n ? -b : b;
  while (b) [a, b] = [b, a % b];
  return a;
}

// A rational is [numerator, denominator], in lowest terms with a positive denominator.
function ratio(num, den = 1n) {
  if (den < 0n) [num, den] = [-num, -den];
  const g = gcd(num, den);
  return g === 1n ? [num, den] : [num / g, den / g];
}

const ZERO = [0n, 1n];
const ONE = [1n, 1n];

const add = (a, b) => ratio(a[0] * b[1] + b[0] * a[1], a[1] * b[1]);
const minus = (a, b) => ratio(a[0] * b[1] - b[0] * a[1], a[1] * b[1]);
const times = (a, b) => ratio(a[0] * b[0], a[1] * b[1]);
const over = (a, b) => ratio(a[0] * b[1], a[1] * b[0]);
const compare = (a, b) => Number(sign(a[0] * b[1] - b[0] * a[1]));
const sign = (a) => (a > 0n ? 1n : a < 0n ? -1n : 0n);
const text = (a) => (a[1] === 1n ? `${a[0]}` : `${a[0]}/${a[1]}`);
const bitLength = (a) => a.toString(2).length;

// log2 of a positive BigInt, to the precision of a double.
function log2Integer(a) {
  const bits = bitLength(a);
  if (bits <= 53) return Math.log2(Number(a));
  return Math.log2(Number(a >> BigInt(bits - 53))) + (bits - 53);
}

const log2 = (a) => {
  const close = Number(a[0] - a[1]);
  const den = Number(a[1]);
  if (Number.isFinite(close) && Number.isFinite(den) && Math.abs(close / den) < 0.25) {
    return Math.log1p(close / den) / Math.LN2; // near 1 the difference of two logarithms would lose digits
  }
  return log2Integer(a[0]) - log2Integer(a[1]);
};

// The nearest number: numerators of hundreds of digits are shortened first.
function toNumber(a) {
  if (a[0] === 0n) return 0;
  const shift = BigInt(Math.max(0, bitLength(a[1]) - bitLength(a[0] < 0n ? -a[0] : a[0]) + 64));
  return Number((a[0] << shift) / a[1]) / 2 ** Number(shift);
}

// Read "3/4", "0.75", "2" or "1e-3" as written; null for anything else.
function readRatio(written) {
  const word = String(written).trim();
  const parts = /^([+-]?\d+)\s*\/\s*(\d+)$/.exec(word);
  if (parts) return BigInt(parts[2]) === 0n ? null : ratio(BigInt(parts[1]), BigInt(parts[2]));
  const decimal = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/.exec(word);
  if (!decimal || !(decimal[2] || decimal[3])) return null;
  const digits = BigInt((decimal[2] || "") + (decimal[3] || ""));
  const power = Number(decimal[4] || 0) - (decimal[3] || "").length;
  const value = power < 0 ? ratio(digits, 10n ** BigInt(-power)) : ratio(digits * 10n ** BigInt(power));
  return decimal[1] === "-" ? [-value[0], value[1]] : value;
}

const SMALL_PRIMES = 10000n;
const factorsKnown = new Map();

// The prime factors of a positive BigInt as [[prime, power], ...]; null where a large part stays unknown.
function factors(a) {
  if (factorsKnown.has(a)) return factorsKnown.get(a);
  const found = [];
  let rest = a;
  for (let p = 2n; rest > 1n && p <= SMALL_PRIMES && p * p <= rest; p += p === 2n ? 1n : 2n) {
    let power = 0;
    while (rest % p === 0n) [rest, power] = [rest / p, power + 1];
    if (power) found.push([p, power]);
  }
  let answer = found;
  if (rest > SMALL_PRIMES * SMALL_PRIMES) answer = null;
  else if (rest > 1n) found.push([rest, 1]);
  factorsKnown.set(a, answer);
  return answer;
}

// sum_j r_j log2(a_j): {value, form}. The form is exact ("3 log2(2) - log2(3)"), or null where factoring is too long.
function logSum(terms) {
  let value = 0;
  const primes = new Map();
  let known = true;
  for (const [weight, argument] of terms) {
    value += toNumber(weight) * log2(argument);
    for (const [side, part] of [[1n, argument[0]], [-1n, argument[1]]]) {
      const list = known ? factors(part) : null;
      known = known && list !== null;
      for (const [p, power] of list || []) {
        const more = times(weight, [side * BigInt(power), 1n]);
        primes.set(p, add(primes.get(p) || ZERO, more));
      }
    }
  }
  return { value, form: known ? logText(primes) : null };
}

function logText(primes) {
  const parts = [];
  for (const p of [...primes.keys()].sort((a, b) => (a < b ? -1 : 1))) {
    const r = primes.get(p);
    if (r[0] === 0n) continue;
    const size = r[0] < 0n ? [-r[0], r[1]] : r;
    const lead = parts.length ? (r[0] < 0n ? " - " : " + ") : r[0] < 0n ? "-" : "";
    parts.push(`${lead}${text(size) === "1" ? "" : `${text(size)} `}log2(${p})`);
  }
  return parts.join("") || "0";
}
