// The state of the page: the setting, the run, the card. It is all in the address.
"use strict";

const DATA = JSON.parse(document.getElementById("data").textContent);

const START = {
  task: "city_names", own: WEIGHTED, rule: "topk", k: "2", gamma: "1/2", f: "1", sizes: "2+1", strict: true,
  by: "confidence", ties: "random", block: "", temperature: "1", kind: "decode", seed: 1, step: 0, card: 0, teach: false,
};

// The address part for a state: only what differs from the start.
function toHash(state) {
  const words = new URLSearchParams();
  for (const key of Object.keys(START)) if (state[key] !== START[key]) words.set(key, String(state[key]));
  return words.toString();
}

function fromHash(hash) {
  const state = { ...START };
  for (const [key, word] of new URLSearchParams(hash.replace(/^#/, ""))) {
    if (!(key in START)) continue;
    if (typeof START[key] === "number") state[key] = /^-?\d{1,9}$/.test(word) ? Number(word) : START[key];
    else if (typeof START[key] === "boolean") state[key] = word === "true";
    else state[key] = word;
  }
  const choices = {
    task: ["own", ...Object.keys(DATA.tasks)], rule: ["topk", "threshold", "factor", "sizes"], by: SCORES,
    ties: ["random", "lowest", "all"], temperature: ["0", "1/2", "1"], kind: ["decode", "follow"],
  };
  for (const [key, known] of Object.entries(choices)) if (!known.includes(state[key])) state[key] = START[key];
  if (state.card < -1 || state.card >= CARDS.length) state.card = START.card;
  state.step = Math.max(state.step, 0);
  return state;
}

const ruleOf = (state) => ({
  name: state.rule, k: state.k, gamma: state.gamma, f: state.f, sizes: state.sizes, strict: state.strict,
  by: state.by, ties: state.ties, block: state.block,
});

// {pmf, info} or {error, total}.
function pmfOf(state, divide = false) {
  if (state.task === "own") return readPmf(state.own, divide);
  const info = DATA.tasks[state.task];
  if (!info.pmf) info.pmf = makePmf(info.outcomes.map((row) => row.map(String)), info.probabilities.map(readRatio));
  return { pmf: info.pmf, info };
}

// The command that gives the same numbers.
function commandOf(state) {
  const info = DATA.tasks[state.task];
  const size = info && info.sized ? ` -n ${info.size}` : "";
  const subject = info ? `${info.name}${size}` : "my_distribution.json";
  const tau = state.temperature === "1" ? "" : ` --temperature ${state.temperature}`;
  return `parabounds decode ${subject} --policy ${specification(ruleOf(state))}${tau}`;
}

// What a card asks about, computed: the decode of its setting.
function cardFacts(card) {
  const setting = { ...START, ...card.set };
  const { pmf, info } = pmfOf(setting);
  const { weight, counts } = marginals(pmf, everyRow(pmf));
  const first = plan(pmf, ruleOf(setting), 0, counts, weight);
  return { totals: decode(pmf, ruleOf(setting), setting.temperature), pmf, info, first };
}
