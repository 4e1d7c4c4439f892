// The page: it reads the controls, asks the worker, and draws.
"use strict";

let state = fromHash(location.hash);
let divide = false; // whether the reader asked to divide an own pmf by its sum
let answered = false;
let current = null; // {pmf, info, rule, run}
let worker = null;
let asked = 0;

function freshWorker() {
  if (worker) worker.terminate();
  const blob = new Blob([find("engine").textContent], { type: "text/javascript" });
  worker = new Worker(URL.createObjectURL(blob));
  worker.onmessage = (event) => receive(event.data);
  return worker;
}

// -- the setting -----------------------------------------------------------------------------------------------

function fillControls() {
  const form = find("form");
  if (!form.task.options.length) {
    for (const [key, info] of Object.entries(DATA.tasks)) form.task.append(element("option", { value: key }, info.label));
    form.task.append(element("option", { value: "own" }, "your own distribution"));
    for (const name of SCORES) form.by.append(element("option", {}, name));
  }
  for (const key of ["task", "rule", "k", "gamma", "f", "sizes", "by", "ties", "block", "temperature"]) form[key].value = state[key];
  form.strict.checked = state.strict;
  for (const label of form.querySelectorAll("[data-for]")) label.hidden = !label.dataset.for.split(" ").includes(state.rule);
  find("own").hidden = state.task !== "own";
  if (find("own-text").value !== state.own) find("own-text").value = state.own;
  for (const radio of document.querySelectorAll("input[name=kind]")) radio.checked = radio.value === state.kind;
  document.body.classList.toggle("teacher", state.teach);
  find("teach").setAttribute("aria-pressed", String(state.teach));
}

function change(more, { keep = false } = {}) {
  state = { ...state, ...more };
  if (!keep) state.step = 0;
  history.replaceState(null, "", `#${toHash(state)}`);
  update();
}

function update() {
  fillControls();
  drawCard();
  find("note").textContent = "";
  const rule = ruleOf(state);
  const found = pmfOf(state, divide);
  const problem = found.error || ruleError(rule);
  find("error").textContent = problem || "";
  find("own-divide").hidden = !found.total;
  find("command").textContent = problem ? "" : commandOf(state);
  find("results").classList.toggle("stale", Boolean(problem));
  if (problem) return;
  current = { ...found, rule, run: null, totals: null };
  try {
    current.run = oneRun(found.pmf, rule, state.temperature, { kind: state.kind, seed: state.seed });
    drawRun();
  } catch (refusal) {
    tooMuch(refusal.message);
    return;
  }
  find("busy").textContent = "Computing all runs...";
  freshWorker().postMessage({ id: ++asked, pmf: found.pmf, rule, temperature: state.temperature });
}

function tooMuch(reason) {
  const save = state.task === "own" ? " (save the distribution as my_distribution.json first: button below)" : "";
  find("busy").textContent = `Too much for this page: ${reason}. Run in a shell${save}: ${commandOf(state)}`;
  for (const id of ["totals", "beside", "chart", "others"]) find(id).replaceChildren();
  find("wrong").textContent = "Not computed here.";
  if (state.task === "own") drawOthers(null);
}

function receive(message) {
  if (message.id !== asked) return;
  if (!message.totals) {
    tooMuch(message.message);
    return;
  }
  current.totals = message.totals;
  find("busy").textContent = "";
  drawTotals(message.totals, current.pmf);
  drawWrong(message.totals, message.wrong);
  drawOthers(message.totals);
}

function drawOthers(totals) {
  const { info, pmf } = current;
  find("chart").replaceChildren(...charts(info, totals, pmf.n, specification(current.rule)));
  if (info) {
    const legend = "Circles: topk. Squares: threshold. Triangles: factor. Crosses: sizes. Plus signs: rules only Python has. Ringed: yours. Dashed: the least KL of rules that look at the tokens; below it come only rules that choose positions by chance or mask again.";
    find("others").replaceChildren(element("p", { class: "quiet" }, legend, " ", element("span", { class: "mark" }, "Python")), ...othersTable(info, pmf.n));
    return;
  }
  const save = element("button", { type: "button", id: "save" }, "Save as my_distribution.json");
  save.onclick = () => download("my_distribution.json", taskFile(pmf), "application/json");
  const words = "Other rules, the optimum and the frontier of your own distribution are computed by Python: save it, then run";
  const commands = element("code", {}, "parabounds compare my_distribution.json; parabounds frontier my_distribution.json");
  find("others").replaceChildren(element("p", {}, words, " ", commands), save);
}

// -- the run ---------------------------------------------------------------------------------------------------

const setting = () => `${state.task === "own" ? "your own distribution" : current.info.label}; ${specification(current.rule)}; temperature ${state.temperature}`;

function drawRun() {
  const { pmf, rule, run } = current;
  state.step = Math.min(state.step, run.steps.length);
  const step = run.steps[state.step];
  find("setting").textContent = setting();
  drawTiles(pmf, run, state.step);
  drawHeat(pmf, step);
  drawCost(pmf, run, state.step, state.kind);
  const kind = state.kind === "follow" ? "follows a true answer" : "draws its own tokens";
  find("place").textContent = step ? `Step ${state.step + 1} of ${run.steps.length}; run ${state.seed} ${kind}.` : `Done in ${run.steps.length} steps.`;
  find("why").textContent = step ? why(pmf, rule, step) : `The answer: ${run.answer.join(" ")}${run.possible ? "." : ", which is impossible."}`;
  find("back").disabled = state.step === 0;
  find("next").disabled = find("end").disabled = !step;
  history.replaceState(null, "", `#${toHash(state)}`);
}

function goTo(step) {
  if (!current || !current.run || find("results").inert) return;
  state.step = Math.max(0, Math.min(step, current.run.steps.length));
  drawRun();
}

// -- the cards -------------------------------------------------------------------------------------------------

// Whether the setting is that of the card: only then are its results covered.
const asksAbout = (card) => Object.entries(card.set).every(([key, value]) => state[key] === value);

function drawCard() {
  const card = CARDS[state.card];
  find("card").hidden = !card;
  const cover = Boolean(card) && !answered && !state.teach && asksAbout(card);
  find("results").classList.toggle("hidden", cover);
  find("results").inert = cover;
  if (cover) find("results").setAttribute("aria-hidden", "true");
  else find("results").removeAttribute("aria-hidden");
  if (!card) return;
  find("card-place").textContent = `Question ${state.card + 1} of ${CARDS.length}. Choose an answer; then the page shows what happens.`;
  find("card-title").textContent = card.title;
  find("card-ask").textContent = card.ask;
  find("card-back").disabled = state.card === 0;
  find("card-next").disabled = state.card === CARDS.length - 1;
  if (find("card-options").dataset.card === String(state.card)) return;
  find("card-options").dataset.card = state.card;
  find("card-answer").textContent = "";
  find("card-options").replaceChildren(...card.options.map(([words, is]) => {
    const button = element("button", { type: "button", "aria-pressed": "false" }, words);
    button.onclick = () => answerCard(card, button, is);
    return button;
  }));
}

function answerCard(card, button, is) {
  const facts = cardFacts(card);
  const right = card.measure(facts);
  for (const other of find("card-options").children) other.setAttribute("aria-pressed", String(other === button));
  answered = true;
  const words = card.options.find((option) => option[1] === right)[0];
  find("card-answer").textContent = `${is === right ? "Right." : `No: ${words}.`} ${card.why(facts)}`;
  drawCard();
}

function openCard(index) {
  answered = false;
  divide = false;
  find("card-options").dataset.card = "";
  change({ ...START, ...CARDS[index].set, card: index });
  find("card-title").focus();
}

// -- buttons, keys, files --------------------------------------------------------------------------------------

function download(name, words, type) {
  const link = element("a", { href: URL.createObjectURL(new Blob([words], { type })), download: name });
  document.body.append(link);
  link.click();
  link.remove();
}

function savePicture() {
  const svgs = [...find("chart").querySelectorAll("svg")];
  if (svgs.length < 2 || !current.totals) return;
  const { totals, run } = current;
  download("explorer.svg", picture(svgs, [
    setting(),
    `accuracy ${shown(totals.accuracy)}, KL ${shownBits(totals.kl)}, ${shown(totals.steps)} expected steps; this run: ${run.answer.join(" ")}`,
  ]), "image/svg+xml");
}

async function copyLink() {
  try {
    await navigator.clipboard.writeText(location.href);
    find("note").textContent = "Copied.";
  } catch {
    find("note").textContent = `Copy it from the address bar: ${location.href}`;
  }
}

async function readFile(file) {
  divide = false;
  if (file) change({ task: "own", own: await file.text() });
}

function listen() {
  const form = find("form");
  form.onsubmit = (event) => event.preventDefault();
  form.oninput = (event) => {
    const at = event.target;
    change({ [at.name]: at.type === "checkbox" ? at.checked : at.value.trim() });
  };
  find("own-text").oninput = (event) => {
    divide = false;
    change({ own: event.target.value });
  };
  find("own-file").onchange = (event) => readFile(event.target.files[0]);
  find("own-divide").onclick = () => {
    divide = true;
    update();
  };
  document.ondragover = (event) => event.preventDefault();
  document.ondrop = (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length) readFile(event.dataTransfer.files[0]);
  };
  for (const radio of document.querySelectorAll("input[name=kind]")) radio.onchange = () => change({ kind: radio.value });
  const clicks = {
    back: () => goTo(state.step - 1), next: () => goTo(state.step + 1), end: () => goTo(Infinity), again,
    link: copyLink, picture: savePicture, teach: () => change({ teach: !state.teach }, { keep: true }),
    tour: () => openCard(0), "card-back": () => openCard(state.card - 1), "card-next": () => openCard(state.card + 1),
    "card-close": () => change({ card: -1 }, { keep: true }),
  };
  for (const [id, action] of Object.entries(clicks)) find(id).onclick = action;
  document.onkeydown = (event) => {
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.toLowerCase();
    if (key === "arrowright") goTo(state.step + 1);
    if (key === "arrowleft") goTo(state.step - 1);
    if (key === "r") again();
    if (key === "t" && state.teach) change({ teach: false }, { keep: true });
  };
  window.onhashchange = () => {
    const before = state.card;
    divide = false;
    state = fromHash(location.hash);
    answered = answered && state.card === before;
    update();
  };
}

const again = () => {
  if (!find("results").inert) change({ seed: state.seed + 1 });
};

listen();
update();
