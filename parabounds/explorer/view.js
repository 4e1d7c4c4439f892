// What stands on the screen: tiles, tables, numbers.
"use strict";

const find = (id) => document.getElementById(id);

function element(name, attributes = {}, ...children) {
  const svg = ["svg", "circle", "rect", "line", "path", "text", "g", "title", "desc"].includes(name);
  const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.map((child) => (child instanceof Node ? child : String(child))));
  return made;
}

// "3/8 (0.375)"; whole numbers alone.
function shown(value) {
  const exact = text(value);
  const rounded = `${Number(toNumber(value).toPrecision(4))}`;
  if (value[1] === 1n) return exact;
  return exact.length > 24 ? rounded : `${exact} (${rounded})`;
}

function shownBits({ value, form }) {
  if (value === Infinity) return "infinite";
  if (value === -Infinity) return "minus infinite: the answer is impossible";
  if (form === "0") return "0 bits";
  const rounded = Number(value.toPrecision(5));
  return `${rounded} ${rounded === 1 ? "bit" : "bits"}`;
}

const formOf = (sum) => (sum.form && !["0", "inf", "-inf"].includes(sum.form) && sum.form.length < 90 ? sum.form : "");

function entry(name, value, small = "") {
  const dd = element("dd", {}, value);
  if (small) dd.append(element("small", {}, small));
  return element("div", {}, element("dt", {}, name), dd);
}

function drawTiles(pmf, run, at) {
  const step = run.steps[at];
  const codes = step ? step.codes : null;
  const items = pmf.alphabets.map((tokens, i) => {
    const token = codes ? (codes[i] < 0 ? null : tokens[codes[i]]) : run.answer[i];
    const goes = step && step.chosen.includes(i);
    const item = element("li", {}, token === null ? "?" : token, element("small", {}, goes ? `${i}, goes now` : i));
    item.className = `${token === null ? "masked" : ""} ${goes ? "now" : ""}`;
    item.setAttribute("aria-label", `position ${i}: ${token === null ? "masked" : token}${goes ? ", goes now" : ""}`);
    return item;
  });
  find("tiles").replaceChildren(...items);
}

// The marginals as a table: a row a token, a column a masked position; shade and number say the same.
function drawHeat(pmf, step) {
  const table = find("heat");
  if (!step) {
    table.replaceChildren(element("caption", {}, "Nothing is masked."));
    return;
  }
  const masked = positionsOf(~step.mask & fullMask(pmf), pmf.n);
  const tokens = [...new Set(masked.flatMap((i) => pmf.alphabets[i]))].sort(byToken).slice(0, 40);
  const head = element("tr", {}, element("th", { scope: "col" }, "token"));
  for (const i of masked) {
    const taken = step.chosen.includes(i);
    head.append(element("th", { scope: "col", class: taken ? "taken" : "" }, taken ? `${i} goes` : i));
  }
  const rows = tokens.map((token) => {
    const row = element("tr", {}, element("th", { scope: "row" }, token));
    for (const i of masked) {
      const count = step.counts[i][pmf.alphabets[i].indexOf(token)] || 0n;
      const p = ratio(count, step.weight);
      const cell = element("td", { class: step.chosen.includes(i) ? "taken" : "" }, count ? text(p) : "0");
      cell.style.background = `rgba(11, 92, 173, ${(0.5 * toNumber(p)).toFixed(3)})`; // dark figures stay legible
      row.append(cell);
    }
    return row;
  });
  const more = masked.some((i) => pmf.alphabets[i].some((t) => !tokens.includes(t))) ? " (the first 40 tokens)" : "";
  table.replaceChildren(
    element("caption", {}, `Probability of each token at each masked position${more}; the columns that go now are outlined.`),
    element("thead", {}, head),
    element("tbody", {}, ...rows),
  );
}

function drawCost(pmf, run, at, kind) {
  const step = run.steps[at];
  const parts = [];
  if (step && step.outside) parts.push(entry("The answer", "impossible already"));
  else if (step) {
    parts.push(entry("Total correlation of the set", shownBits(step.tc), formOf(step.tc)));
    parts.push(entry("Chance that the step stays possible", shown(step.stays)));
    parts.push(entry("Answers still possible", `${step.rows.length}, after it ${step.left}`));
    if (kind === "follow") parts.push(entry("Cost of this step, log2 of P over q", shownBits(step.cost), formOf(step.cost)));
  }
  if (kind === "follow") {
    const sum = costUpTo(run.steps, step ? at + 1 : at);
    const name = step ? "Running sum of the costs" : "Sum of the costs, log2 P/Q along this run";
    parts.push(entry(name, shownBits(sum), formOf(sum)));
  } else if (!step) {
    parts.push(entry("The answer", run.possible ? "possible" : "impossible"));
  }
  find("cost").replaceChildren(...parts);
}

function drawTotals(totals, pmf) {
  const equal = totals.pathKl.form === totals.kl.form && totals.kl.form !== null;
  find("totals").replaceChildren(
    entry("Accuracy: the answer is possible", shown(totals.accuracy)),
    entry("KL, D(P||Q)", shownBits(totals.kl), formOf(totals.kl)),
    ...(equal ? [] : [entry("Mean cost of followed answers", shownBits(totals.pathKl), "at least the KL: also which set was drawn tells something")]),
    entry("Expected steps", shown(totals.steps), text(totals.steps) === text(totals.dataSteps) ? "" : `${shown(totals.dataSteps)} when true answers are followed`),
  );
  const most = 24;
  const order = everyRow(pmf).sort((a, b) => compare(probability(pmf, b), probability(pmf, a)) || a - b);
  const head = element("tr", {}, ...["answer", "P", "Q", "Q - P"].map((name) => element("th", { scope: "col" }, name)));
  const rows = order.slice(0, most).map((j) => {
    const gap = minus(totals.q[j], probability(pmf, j));
    const words = [shown(probability(pmf, j)), shown(totals.q[j]), `${gap[0] > 0n ? "+" : ""}${shown(gap)}`];
    return element("tr", {}, element("th", { scope: "row" }, pmf.rows[j].join(" ")), ...words.map((word) => element("td", {}, word)));
  });
  const caption = order.length > most ? `The ${most} most probable of ${order.length} answers.` : `All ${order.length} answers.`;
  find("beside").replaceChildren(element("caption", {}, caption), element("thead", {}, head), element("tbody", {}, ...rows));
}

function drawWrong(totals, wrong) {
  const chance = minus(ONE, totals.accuracy);
  let words = "None: every answer that comes out is possible.";
  if (chance[0]) {
    words = `Together they have probability ${shown(chance)}.`;
    if (wrong) {
      const worst = wrong.slice(0, 5).map(([tokens, q]) => `${tokens.join(" ")} ${shown(q)}`);
      words += ` ${wrong.length > 1 ? `There are ${wrong.length}; the worst: ` : "The only one: "}${worst.join("; ")}.`;
    } else words += " They are too many to list here.";
  }
  find("wrong").textContent = words;
}
