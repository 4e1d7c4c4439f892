// A pmf: equally long sequences with integer weights. What the ideal model says of its masked positions.
"use strict";

class Refusal extends Error {} // what is wrong with the input, for the reader

// rows: arrays of tokens; shares: rationals that sum to 1 (or integer weights, with weights = true).
function makePmf(rows, shares) {
  const n = rows[0].length;
  const alphabets = [];
  for (let i = 0; i < n; i++) alphabets.push([...new Set(rows.map((row) => row[i]))].sort(byToken));
  const places = alphabets.map((tokens) => new Map(tokens.map((token, v) => [token, v])));
  const codes = rows.map((row) => row.map((token, i) => places[i].get(token)));
  const common = shares.reduce((d, p) => (d / gcd(d, p[1])) * p[1], 1n);
  let weights = shares.map((p) => (p[0] * common) / p[1]);
  const shared = weights.reduce(gcd, 0n);
  weights = weights.map((w) => w / shared);
  return { n, rows, alphabets, codes, weights, total: weights.reduce((a, b) => a + b, 0n) };
}

// Numbers by size, then words.
function byToken(a, b) {
  const [x, y] = [Number(a), Number(b)];
  if (!Number.isNaN(x) && !Number.isNaN(y) && x !== y) return x - y;
  return a < b ? -1 : a > b ? 1 : 0;
}

const everyRow = (pmf) => pmf.rows.map((_, j) => j);
const fullMask = (pmf) => 2 ** pmf.n - 1;
const positionsOf = (mask, n) => [...Array(n).keys()].filter((i) => (mask >> i) & 1);
const probability = (pmf, j) => ratio(pmf.weights[j], pmf.total);

// The weight of some rows, and of each token at each position among them.
function marginals(pmf, rows) {
  let weight = 0n;
  const counts = pmf.alphabets.map((tokens) => tokens.map(() => 0n));
  for (const j of rows) {
    weight += pmf.weights[j];
    for (let i = 0; i < pmf.n; i++) counts[i][pmf.codes[j][i]] += pmf.weights[j];
  }
  return { weight, counts };
}

// What tokens are drawn from at one position: counts and their sum, at temperature 1, 1/m or 0.
function drawn(counts, temperature) {
  if (temperature === "1") return { parts: counts, sum: counts.reduce((a, b) => a + b, 0n) };
  let parts;
  if (temperature === "0") {
    const best = counts.reduce((a, b) => (a > b ? a : b), 0n);
    parts = counts.map((c) => (c === best ? 1n : 0n)); // equal ones share
  } else {
    const power = readRatio(temperature)[1];
    parts = counts.map((c) => c ** power);
  }
  return { parts, sum: parts.reduce((a, b) => a + b, 0n) };
}

// Some rows by their tokens at some positions, each part in the order of the pmf.
function grouped(pmf, rows, positions) {
  const parts = new Map();
  for (const j of rows) {
    const key = positions.map((i) => pmf.codes[j][i]).join(",");
    if (parts.has(key)) parts.get(key).push(j);
    else parts.set(key, [j]);
  }
  return [...parts.values()];
}

// D(joint || product of marginals) of the tokens at some positions, given the state.
function totalCorrelation(pmf, rows, positions) {
  const { weight, counts } = marginals(pmf, rows);
  const terms = grouped(pmf, rows, positions).map((part) => {
    const joint = ratio(part.reduce((sum, j) => sum + pmf.weights[j], 0n), weight);
    let apart = ONE;
    for (const i of positions) apart = times(apart, ratio(counts[i][pmf.codes[part[0]][i]], weight));
    return [joint, over(joint, apart)];
  });
  return logSum(terms);
}
