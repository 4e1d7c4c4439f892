// Rules: topk, threshold, factor and sizes. Which sets of positions the next step may take, with their chances.
"use strict";

const SCORES = ["confidence", "margin", "entropy", "left_to_right", "random"];

// The rule as `parabounds decode` writes it.
function specification(rule) {
  const own = {
    topk: () => [`k=${rule.k}`],
    threshold: () => [`gamma=${rule.gamma}`, ...(rule.strict ? [] : ["strict=false"])],
    factor: () => [`f=${rule.f}`, ...(rule.strict ? [] : ["strict=false"])],
    sizes: () => [`sizes=${rule.sizes}`],
  }[rule.name]();
  const usual = rule.name === "sizes" ? "random" : "confidence";
  if (scoreOf(rule) !== usual) own.push(`by=${rule.by}`);
  if (rule.ties !== "random") own.push(`ties=${rule.ties}`);
  if (rule.block) own.push(`block=${rule.block}`);
  return `${rule.name}:${own.join(",")}`;
}

const scoreOf = (rule) => (rule.name === "threshold" || rule.name === "factor" ? "confidence" : rule.by);

// What is wrong with the parameters, or null.
function ruleError(rule) {
  const whole = (value) => /^[1-9]\d{0,8}$/.test(String(value));
  if (rule.name === "topk" && !whole(rule.k)) return `k must be a whole number of at least 1, got "${rule.k}".`;
  if (rule.block && !whole(rule.block)) return `block must be a whole number of at least 1, got "${rule.block}".`;
  if (rule.name === "sizes" && !String(rule.sizes).split("+").every(whole)) {
    return `sizes must look like 3+2+1, got "${rule.sizes}".`;
  }
  if (rule.name === "threshold") {
    const gamma = readRatio(rule.gamma);
    if (!gamma || compare(gamma, ZERO) < 0 || compare(gamma, ONE) > 0) {
      return `the threshold must be between 0 and 1, such as 0.9 or 3/4, got "${rule.gamma}".`;
    }
  }
  if (rule.name === "factor") {
    const f = readRatio(rule.f);
    if (!f || compare(f, ZERO) <= 0) return `the factor must be positive, such as 1 or 1/2, got "${rule.f}".`;
  }
  return null;
}

// Masked positions of the first unfinished block.
function competing(pmf, mask, block) {
  const masked = positionsOf(~mask & fullMask(pmf), pmf.n);
  if (!block) return masked;
  const first = Math.floor(masked[0] / block);
  return masked.filter((i) => Math.floor(i / block) === first);
}

// A function of two positions: positive if the first has the higher score. All positions of a state share one
// weight, so that counts compare as probabilities do.
function scoreOrder(counts, by) {
  if (by === "left_to_right") return (i, j) => j - i;
  if (by === "random") return () => 0;
  if (by === "entropy") return (i, j) => compareEntropy(counts[j], counts[i]); // the lower, the better
  const score = counts.map((row) => {
    const [best, second = 0n] = [...row].sort((a, b) => (a < b ? 1 : -1));
    return by === "margin" ? best - second : best;
  });
  return (i, j) => Number(sign(score[i] - score[j]));
}

// The sign of H(a) - H(b) for counts of one sum. H falls as the product of c^c grows; with one sum, a common factor
// of the counts changes nothing. Floats decide where they are far apart, integers where they are not.
function compareEntropy(a, b) {
  const order = (row) => row.filter((c) => c).sort((x, y) => (x < y ? -1 : 1));
  const [left, right] = [order(a), order(b)];
  if (left.join() === right.join()) return 0;
  const size = (row) => row.reduce((sum, c) => sum + Number(c) * log2Integer(c), 0);
  const [x, y] = [size(left), size(right)];
  if (Math.abs(x - y) > 1e-9 * (x + y)) return x < y ? 1 : -1;
  const common = [...left, ...right].reduce(gcd, 0n);
  const power = (row) => row.reduce((product, c) => product * (c / common) ** (c / common), 1n);
  if (x / Number(common) > 5e6) throw new Refusal("Two entropies are too close to compare here; use the command.");
  return Number(sign(power(right) - power(left)));
}

// How many of the ranked positions a step takes. `taken`: those of the block that are revealed.
function countTaken(rule, ranked, taken, counts, weight) {
  const left = ranked.length;
  if (rule.name === "topk") return Math.min(Number(rule.k), left);
  if (rule.name === "sizes") {
    const sizes = String(rule.sizes).split("+").map(Number);
    let end = 0;
    for (const size of sizes) {
      end += size;
      if (end > taken) return Math.min(end - taken, left);
    }
    return Math.min(sizes[sizes.length - 1], left);
  }
  const best = (i) => counts[i].reduce((a, b) => (a > b ? a : b), 0n);
  const passes = (side) => (rule.strict ? side > 0n : side >= 0n);
  let number = 1;
  if (rule.name === "threshold") {
    const [num, den] = readRatio(rule.gamma);
    number = ranked.filter((i) => passes(best(i) * den - num * weight)).length;
  } else {
    const [num, den] = readRatio(rule.f); // the largest m with (m + 1)(1 - c_m) < f
    ranked.forEach((i, r) => {
      if (passes(num * weight - BigInt(r + 2) * (weight - best(i)) * den)) number = r + 1;
    });
  }
  return Math.max(number, 1);
}

// The step in one state: {sets: [[mask, chance]], ranked, tied, need}. `tied` share the score of the last one taken.
function plan(pmf, rule, mask, counts, weight) {
  const block = rule.block ? Number(rule.block) : 0;
  const able = competing(pmf, mask, block);
  const order = scoreOrder(counts, scoreOf(rule));
  const ranked = [...able].sort((i, j) => order(j, i) || i - j);
  const first = block ? Math.floor(able[0] / block) * block : 0;
  const size = block ? Math.min(block, pmf.n - first) : pmf.n;
  const take = countTaken(rule, ranked, size - able.length, counts, weight);
  const last = ranked[take - 1];
  const above = ranked.filter((i) => order(i, last) > 0);
  const tied = ranked.filter((i) => order(i, last) === 0);
  const need = take - above.length;
  const bits = (positions) => positions.reduce((sum, i) => sum + 2 ** i, 0);
  let parts = [tied];
  if (rule.ties === "lowest") parts = [tied.slice(0, need)];
  if (rule.ties === "random") parts = subsets(tied, need);
  const chance = ratio(1n, BigInt(parts.length));
  return { sets: parts.map((part) => [bits(above) + bits(part), chance]), ranked, above, tied, need, take };
}

function subsets(items, size) {
  let count = 1;
  for (let j = 0; j < size; j++) count = (count * (items.length - j)) / (j + 1);
  if (count > 20000) throw new Refusal(`One step has ${Math.round(count)} equally good sets; use the command.`);
  if (size === 0) return [[]];
  const found = [];
  items.forEach((item, at) => {
    for (const rest of subsets(items.slice(at + 1), size - 1)) found.push([item, ...rest]);
  });
  return found;
}
