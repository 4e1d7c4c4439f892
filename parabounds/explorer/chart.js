// KL and accuracy against steps: other rules and the frontier from Python, the own point ringed. Also the picture.
"use strict";

const SHAPES = { topk: "circle", threshold: "square", factor: "triangle", sizes: "cross" };

function marker(kind, x, y, title) {
  const style = { fill: "none", stroke: "#1b1f24", "stroke-width": 1.6 };
  const paths = {
    square: `M${x - 4} ${y - 4}h8v8h-8z`,
    triangle: `M${x} ${y - 5}l5 9h-10z`,
    cross: `M${x - 4} ${y - 4}l8 8M${x + 4} ${y - 4}l-8 8`,
  };
  const label = element("title", {}, title);
  if (kind === "circle") return element("circle", { cx: x, cy: y, r: 4.5, ...style }, label);
  return element("path", { d: paths[kind] || `M${x - 5} ${y}h10M${x} ${y - 5}v10`, ...style }, label);
}

const WIDTH = 430;
const HEIGHT = 290;

// Up to five round values from 0 on, none above the most.
function ticks(most) {
  const size = 10 ** Math.floor(Math.log10(most / 4));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * size).find((one) => 4 * one >= most * 0.99);
  return [0, 1, 2, 3, 4].map((j) => Number((j * step).toPrecision(3))).filter((value) => value <= most);
}

// One panel: points {steps, value, name, kind}, a line of [steps, value], the own point.
function panel(name, unit, points, line, own, n) {
  const [left, top, wide, high] = [46, 34, WIDTH - 70, 210];
  const values = [...points.map((p) => p.value), ...line.map((p) => p[1]), own ? own[1] : 0].filter(Number.isFinite);
  const most = unit === "share" ? 1 : Math.max(...values, 0.1) * 1.08;
  const last = Math.max(2, n, ...points.map((p) => Math.ceil(p.steps)));
  const x = (steps) => left + ((steps - 1) / (last - 1)) * wide;
  const y = (value) => top + high - (value / most) * high;
  const say = (words, at, down, anchor = "middle", size = 12) =>
    element("text", { x: at, y: down, "font-size": size, "text-anchor": anchor, "font-family": "sans-serif", fill: "#1b1f24" }, words);
  const parts = [element("rect", { width: WIDTH, height: HEIGHT, fill: "#fff" }), say(name, left, 18, "start", 14)];
  for (const value of ticks(most)) {
    parts.push(element("line", { x1: x(1) - 8, x2: x(last) + 8, y1: y(value), y2: y(value), stroke: "#d0d7de" }));
    parts.push(say(value, left - 12, y(value) + 4, "end"));
  }
  for (let t = 1; t <= last; t++) parts.push(say(t, x(t), top + high + 18));
  parts.push(say("expected steps", left + wide / 2, top + high + 36));
  if (line.length) {
    const d = line.map(([s, v], j) => `${j ? "L" : "M"}${x(s)} ${y(v)}`).join("");
    parts.push(element("path", { d, fill: "none", stroke: "#0b5cad", "stroke-width": 2, "stroke-dasharray": "6 3" }, element("title", {}, "the frontier")));
  }
  for (const p of points) if (Number.isFinite(p.value)) parts.push(marker(p.kind, x(p.steps), y(p.value), p.name));
  if (own && Number.isFinite(own[1])) {
    parts.push(element("circle", { cx: x(own[0]), cy: y(own[1]), r: 9, fill: "none", stroke: "#a8201a", "stroke-width": 3 }, element("title", {}, "your rule")));
    parts.push(element("circle", { cx: x(own[0]), cy: y(own[1]), r: 3, fill: "#a8201a" }));
  }
  return parts;
}

// Two pictures: KL against the steps of followed answers, accuracy against those of the decoder's own runs.
function charts(info, totals, n, rule) {
  const others = info ? info.points : [];
  const point = (p, steps, value) => ({ steps, value, name: `${p.policy}: ${Number(steps.toPrecision(4))} steps`, kind: SHAPES[p.policy.split(":")[0]] });
  const kl = panel("KL, bits (lower is better)", "bits", others.map((p) => point(p, p.dataSteps, p.kl)), info ? info.frontier : [],
    totals ? [toNumber(totals.dataSteps), totals.kl.value] : null, n);
  const accuracy = panel("Accuracy (higher is better)", "share", others.map((p) => point(p, p.steps, p.accuracy)), [],
    totals ? [toNumber(totals.steps), toNumber(totals.accuracy)] : null, n);
  return [["KL", kl], ["Accuracy", accuracy]].map(([name, parts]) => {
    const label = `${name} against expected steps: ${rule}, ringed in red, among other rules`;
    return element("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, role: "img", "aria-label": label }, ...parts);
  });
}

// The two pictures side by side above some lines of text, as one SVG.
function picture(svgs, lines) {
  const size = { width: 2 * WIDTH, height: HEIGHT + 60 };
  const whole = element("svg", { xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${size.width} ${size.height}`, ...size });
  whole.append(element("rect", { ...size, fill: "#fff" }));
  svgs.forEach((svg, j) => whole.append(element("g", { transform: `translate(${j * WIDTH} 0)` }, ...svg.cloneNode(true).childNodes)));
  lines.forEach((words, j) => whole.append(element("text", { x: 46, y: HEIGHT + 22 + 22 * j, "font-size": 13, "font-family": "sans-serif" }, words)));
  return new XMLSerializer().serializeToString(whole);
}

// Rows of a table of the embedded numbers.
function othersTable(info, n) {
  const points = [...info.points].sort((a, b) => a.steps - b.steps || a.kl - b.kl);
  const cells = (name, list) => element("tr", {}, element(name, { scope: "row" }, list[0]), ...list.slice(1).map((word) => element("td", {}, word)));
  const head = (names) => element("thead", {}, element("tr", {}, ...names.map((name) => element("th", { scope: "col" }, name))));
  const rules = element("table", {}, element("caption", {}, "Other rules (Python)"), head(["rule", "steps", "KL, bits", "accuracy"]));
  rules.append(element("tbody", {}, ...points.map((p) => cells("th", [p.policy, p.stepsText, p.klText, p.accuracyText]))));
  const least = element("table", {}, element("caption", {}, "Least KL in at most T steps (Python)"), head(["T", "fixed order", "looks at tokens", "mixed at random"]));
  const word = (list, t) => (list && list[t] ? `${Number(list[t].value.toPrecision(4))}` : "-");
  least.append(element("tbody", {}, ...[...Array(n).keys()].map((t) => cells("th", [t + 1, word(info.fixed, t), word(info.adaptive, t), word(info.mixed, t)]))));
  const wrap = (table, name) => element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": name }, table);
  return [wrap(least, "Least KL"), element("details", {}, element("summary", {}, `All ${points.length} other rules as a table`), wrap(rules, "Other rules"))];
}
