// The exact decode of a pmf with a rule, revealed set by revealed set.
//
// States on the support are kept one by one. Off it the ideal model's marginals do not depend on the tokens: one state
// for each revealed set is enough for the numbers of steps.
"use strict";

const STATES = 60000; // beyond it the page shows the command to run

class TooLarge extends Error {}

// Q of every outcome, accuracy, D(P || Q), its value along the path, expected steps, under the data as well.
function decode(pmf, rule, temperature, limit = STATES) {
  if (pmf.n > 20) throw new TooLarge(`${pmf.n} positions`);
  const full = fullMask(pmf);
  const layers = new Map([[0, new Map([[0, { rows: everyRow(pmf), own: ONE, data: ONE }]])]]);
  const lost = new Map();
  const q = pmf.rows.map(() => ZERO);
  const path = []; // weight and logarithm of every move of the data
  let [steps, dataSteps, states, blocked] = [ZERO, ZERO, 0, false];
  const outside = marginals(pmf, everyRow(pmf));
  for (let mask = 0; mask < full; mask++) {
    for (const { rows, own, data } of (layers.get(mask) || new Map()).values()) {
      if (++states > limit) throw new TooLarge(`more than ${limit} states`);
      steps = add(steps, own);
      dataSteps = add(dataSteps, data);
      const { weight, counts } = marginals(pmf, rows);
      const chances = counts.map((row) => drawn(row, temperature));
      for (const [set, share] of plan(pmf, rule, mask, counts, weight).sets) {
        const positions = positionsOf(set, pmf.n);
        const there = layerOf(layers, mask | set);
        let left = times(own, share);
        for (const part of grouped(pmf, rows, positions)) {
          let draw = ONE;
          for (const i of positions) draw = times(draw, chanceOf(chances[i], pmf.codes[part[0]][i]));
          const move = ratio(part.reduce((sum, j) => sum + pmf.weights[j], 0n), weight);
          const moved = times(times(own, share), draw);
          const flow = times(times(data, share), move);
          const old = there.get(part[0]) || { rows: part, own: ZERO, data: ZERO };
          there.set(part[0], { rows: part, own: add(old.own, moved), data: add(old.data, flow) });
          left = minus(left, moved);
          if (flow[0] && !draw[0]) blocked = true;
          else if (flow[0]) path.push([flow, over(move, draw)]);
        }
        if (left[0]) lost.set(mask | set, add(lost.get(mask | set) || ZERO, left));
      }
    }
    layers.delete(mask);
    if (lost.has(mask)) {
      if (++states > limit) throw new TooLarge(`more than ${limit} states`);
      const mass = lost.get(mask);
      steps = add(steps, mass);
      for (const [set, share] of plan(pmf, rule, mask, outside.counts, outside.weight).sets) {
        lost.set(mask | set, add(lost.get(mask | set) || ZERO, times(mass, share)));
      }
    }
  }
  for (const { rows, own } of (layers.get(full) || new Map()).values()) q[rows[0]] = own;
  const missed = q.some((x) => x[0] === 0n);
  const terms = missed ? [] : q.map((x, j) => [probability(pmf, j), over(probability(pmf, j), x)]);
  return {
    q,
    accuracy: q.reduce(add, ZERO),
    kl: missed ? { value: Infinity, form: "inf" } : logSum(terms),
    pathKl: blocked ? { value: Infinity, form: "inf" } : logSum(path),
    steps,
    dataSteps,
    states,
  };
}

const chanceOf = (chance, code) => ratio(chance.parts[code], chance.sum);

function layerOf(layers, mask) {
  if (!layers.has(mask)) layers.set(mask, new Map());
  return layers.get(mask);
}

// The impossible answers with their chances, the most probable first: [[tokens, chance], ...]; null beyond the limit.
function impossible(pmf, rule, temperature, limit = STATES / 4) {
  if (pmf.n > 20) return null;
  const full = fullMask(pmf);
  const all = everyRow(pmf);
  const layers = new Map([[0, new Map([["", { codes: Array(pmf.n).fill(-1), rows: all, mass: ONE }]])]]);
  let states = 0;
  for (let mask = 0; mask < full; mask++) {
    for (const { codes, rows, mass } of (layers.get(mask) || new Map()).values()) {
      const { weight, counts } = marginals(pmf, rows.length ? rows : all); // off the support: as if all were masked
      const chances = counts.map((row) => drawn(row, temperature));
      for (const [set, share] of plan(pmf, rule, mask, counts, weight).sets) {
        const there = layerOf(layers, mask | set);
        for (const [after, draw] of draws(codes, positionsOf(set, pmf.n), chances)) {
          if (++states > limit) return null;
          const key = after.join(",");
          const old = there.get(key);
          const moved = times(times(mass, share), draw);
          if (old) old.mass = add(old.mass, moved);
          else there.set(key, { codes: after, rows: rows.filter((j) => agrees(pmf, j, after)), mass: moved });
        }
      }
    }
    layers.delete(mask);
  }
  const wrong = [...layerOf(layers, full).values()].filter((state) => !state.rows.length);
  wrong.sort((a, b) => compare(b.mass, a.mass));
  return wrong.map(({ codes, mass }) => [codes.map((v, i) => pmf.alphabets[i][v]), mass]);
}

const agrees = (pmf, j, codes) => codes.every((v, i) => v < 0 || pmf.codes[j][i] === v);

// Every way to draw tokens at some positions, with its chance.
function draws(codes, positions, chances) {
  let found = [[codes, ONE]];
  for (const i of positions) {
    const longer = [];
    for (const [before, chance] of found) {
      chances[i].parts.forEach((part, v) => {
        if (!part) return;
        const after = [...before];
        after[i] = v;
        longer.push([after, times(chance, ratio(part, chances[i].sum))]);
      });
    }
    found = longer;
  }
  return found;
}
