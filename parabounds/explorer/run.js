// One run, step by step, and in a sentence why each step takes its positions.
"use strict";

// Numbers in [0, 1) from a seed, the same in every browser (mulberry32).
function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// An index by integer weights.
function pick(weights, random) {
  const total = weights.reduce((a, b) => a + b, 0n);
  let at = (BigInt(Math.floor(random() * 4294967296)) * total) >> 32n;
  return weights.findIndex((w) => (at -= w) < 0n);
}

// The steps of a run. kind "follow": an answer is drawn from P and its tokens are revealed; "decode": the decoder
// draws them. `choices`, [[positions, tokens], ...], replays a given run.
function oneRun(pmf, rule, temperature, { kind, seed = 0, choices = null }) {
  if (pmf.n > 20) throw new TooLarge(`${pmf.n} positions`);
  const random = randomNumbers(seed);
  const answer = kind === "follow" && !choices ? pmf.codes[pick(pmf.weights, random)] : null;
  const all = everyRow(pmf);
  const steps = [];
  let [mask, rows] = [0, all];
  const codes = Array(pmf.n).fill(-1);
  while (mask < fullMask(pmf)) {
    const { weight, counts } = marginals(pmf, rows.length ? rows : all);
    const found = plan(pmf, rule, mask, counts, weight);
    const given = choices ? choices[steps.length] : null;
    const set = given
      ? given[0].reduce((sum, i) => sum + 2 ** i, 0)
      : found.sets[pick(found.sets.map(() => 1n), random)][0];
    if (!found.sets.some(([mask_]) => mask_ === set)) throw new Refusal("This step is not open to the rule.");
    const chosen = positionsOf(set, pmf.n);
    const step = { mask, codes: [...codes], rows, weight, counts, chosen, ...found, outside: !rows.length };
    let chance = ONE;
    chosen.forEach((i, place) => {
      const q = drawn(counts[i], temperature);
      if (given) codes[i] = pmf.alphabets[i].indexOf(given[1][place]);
      else codes[i] = answer ? answer[i] : pick(q.parts, random);
      chance = times(chance, chanceOf(q, codes[i]));
    });
    step.tokens = chosen.map((i) => pmf.alphabets[i][codes[i]]);
    step.drawn = chance;
    step.stays = rows.length ? staysPossible(pmf, rows, chosen, counts, temperature) : ZERO;
    step.tc = rows.length ? totalCorrelation(pmf, rows, chosen) : null;
    const next = rows.filter((j) => agrees(pmf, j, codes));
    step.left = next.length;
    step.cost = costOf(pmf, rows, next, weight, chance);
    steps.push(step);
    [mask, rows] = [mask | set, next];
  }
  return { steps, answer: codes.map((v, i) => pmf.alphabets[i][v]), possible: rows.length > 0 };
}

// The chance that tokens drawn apart occur together.
function staysPossible(pmf, rows, chosen, counts, temperature) {
  const chances = counts.map((row) => drawn(row, temperature));
  return grouped(pmf, rows, chosen).reduce((sum, part) => {
    return add(sum, chosen.reduce((p, i) => times(p, chanceOf(chances[i], pmf.codes[part[0]][i])), ONE));
  }, ZERO);
}

// log2 P(tokens | state) / q(tokens), with its ratio; null after an impossible token.
function costOf(pmf, rows, next, weight, chance) {
  if (!rows.length) return null;
  if (!next.length) return { value: -Infinity, form: "-inf" };
  if (!chance[0]) return { value: Infinity, form: "inf" };
  const after = ratio(next.reduce((sum, j) => sum + pmf.weights[j], 0n), weight);
  return { ...logSum([[ONE, over(after, chance)]]), ratio: over(after, chance) };
}

// The sum of the costs up to a step, log2 P/Q of the tokens so far.
function costUpTo(steps, count) {
  let product = ONE;
  for (const { cost } of steps.slice(0, count)) {
    if (!cost || !cost.ratio) return cost;
    product = times(product, cost.ratio);
  }
  return logSum([[ONE, product]]);
}

const listed = (items) => {
  const words = items.map(String);
  return words.length > 1 ? `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}` : words[0];
};

// Why a step takes its positions, with the numbers that decide.
function why(pmf, rule, step) {
  const by = scoreOf(rule);
  const { chosen, ranked, tied, above, take } = step;
  const best = (i) => ratio(step.counts[i].reduce((a, b) => (a > b ? a : b), 0n), step.weight);
  const score = (i) => {
    const [first, second = 0n] = [...step.counts[i]].sort((a, b) => (a < b ? 1 : -1));
    if (by === "margin") return text(ratio(first - second, step.weight));
    if (by !== "entropy") return text(best(i));
    const parts = step.counts[i].filter((c) => c).map((c) => ratio(c, step.weight));
    return `${logSum(parts.map((p) => [p, [p[1], p[0]]])).value.toFixed(4)} bits`;
  };
  const words = [];
  if (step.outside) words.push("The answer is impossible already; the model answers as if nothing were revealed.");
  const s = chosen.length > 1 ? "s" : "";
  if (rule.name === "threshold") words.push(thresholdReason(rule, ranked, best));
  if (rule.name === "factor") {
    const last = best(ranked[take - 1]);
    const least = times([BigInt(take + 1), 1n], minus(ONE, last));
    words.push(`(m + 1)(1 - c) with m = ${take} and c = ${text(last)} is ${text(least)}; the factor is ${rule.f}` +
      `${take === 1 && compare(least, readRatio(rule.f)) > 0 ? ": the best position goes all the same." : "."}`);
  }
  if (chosen.length === ranked.length) words.push(`Position${s} ${listed(chosen)} go${s ? "" : "es"}: all that competes.`);
  else if (by === "left_to_right") words.push(`Position${s} ${listed(chosen)} go${s ? "" : "es"}: the leftmost.`);
  else if (by === "random") words.push(`Position${s} ${listed(chosen)} of ${ranked.length}: all count as equal.`);
  else {
    const values = [...new Set(chosen.map(score))];
    const edge = by === "entropy" ? "lowest" : "highest";
    words.push(`Position${s} ${listed(chosen)} go${s ? "" : "es"}, with the ${edge} ${by}: ${values.join(", ")}.`);
  }
  const short = tied.length + above.length - take;
  if (short > 0) {
    const need = take - above.length;
    const how = { random: `${need} of ${tied.length} by chance`, lowest: `the first ${need} go`, all: "all of them go" };
    words.push(`Positions ${listed(tied)} tie${by === "random" ? "" : ` at ${score(tied[0])}`}: ${how[rule.ties]}.`);
  }
  return words.join(" ");
}

function thresholdReason(rule, ranked, best) {
  const gamma = readRatio(rule.gamma);
  const order = ranked.map((i) => compare(best(i), gamma));
  const above = order.filter((c) => (rule.strict ? c > 0 : c >= 0)).length;
  const word = rule.strict ? "above" : "at least";
  if (above) return `${above} of ${ranked.length} confidences ${above > 1 ? "are" : "is"} ${word} ${text(gamma)}.`;
  const equal = rule.strict && order.some((c) => c === 0) ? "; equal is not above" : "";
  return `No confidence is ${word} ${text(gamma)}${equal}: the best one goes.`;
}
