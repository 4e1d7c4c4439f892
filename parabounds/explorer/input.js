// The reader's own pmf: lines of text, the toolkit's JSON, or CSV. Errors name the line.
"use strict";

const LARGEST = 20000; // outcomes

// {pmf} or {error, total}: total is given where dividing by it would help.
function readPmf(written, divide = false) {
  try {
    const source = written.trim();
    if (!source) throw new Refusal("Write one answer a line, such as: New York | 1/2");
    let entries = fromText;
    if (source.startsWith("{")) entries = fromJson;
    else if (/^y0\s*(,|$|\n)/.test(source)) entries = fromCsv;
    return checkedPmf(entries(source), divide);
  } catch (problem) {
    if (!(problem instanceof Refusal)) throw problem;
    return { error: problem.message, total: problem.total || null };
  }
}

// Lines "tokens | share"; without a share all are equally likely. Words are tokens; without spaces, characters are.
function fromText(source) {
  const lines = source.split(/\r?\n/).map((line, j) => [`line ${j + 1}`, line.split("|").map((part) => part.trim())]);
  const used = lines.filter(([, parts]) => parts.join("") !== "");
  const spaced = used.some(([, [answer]]) => /\s/.test(answer));
  return used.map(([place, parts]) => {
    if (parts.length > 2) throw new Refusal(`${place}: more than one "|".`);
    const tokens = spaced ? parts[0].split(/\s+/).filter(Boolean) : [...parts[0]];
    return { place, tokens, share: parts.length > 1 ? parts[1] : null };
  });
}

// {"outcomes": [["New", "York"], ...], "probabilities": ["1/4", ...]}, or "weights", which are divided by their sum.
function fromJson(source) {
  let file;
  try {
    file = JSON.parse(source);
  } catch (problem) {
    throw new Refusal(`This is no valid JSON: ${problem.message}`);
  }
  if (!Array.isArray(file.outcomes)) {
    throw new Refusal('The page reads files with "outcomes"; for contexts, chains and grammars use the command.');
  }
  const shares = file.probabilities || file.weights || null;
  if (shares && shares.length !== file.outcomes.length) {
    throw new Refusal(`There are ${file.outcomes.length} outcomes and ${shares.length} numbers.`);
  }
  const entries = file.outcomes.map((tokens, j) => {
    if (!Array.isArray(tokens)) throw new Refusal(`outcome ${j + 1}: must be a list of tokens.`);
    return { place: `outcome ${j + 1}`, tokens: tokens.map(String), share: shares ? String(shares[j]) : null };
  });
  entries.weighted = Boolean(file.weights);
  return entries;
}

// A header y0,y1,...[,p], then an outcome a row.
function fromCsv(source) {
  const [head, ...lines] = source.split(/\r?\n/).map((line) => line.split(",").map((cell) => cell.trim()));
  const columns = head.filter((name) => /^y\d+$/.test(name)).length;
  const extra = head.slice(columns).join();
  if (extra && extra !== "p") throw new Refusal(`line 1: the page reads the columns y0, y1, ... and p, got "${extra}".`);
  return lines.map((cells, j) => {
    if (cells.length !== head.length) {
      throw new Refusal(`line ${j + 2}: ${cells.length} cells where the header has ${head.length}.`);
    }
    return { place: `line ${j + 2}`, tokens: cells.slice(0, columns), share: extra ? cells[columns] : null };
  });
}

function checkedPmf(entries, divide) {
  if (entries.length > LARGEST) throw new Refusal(`${entries.length} answers are too many here; use the command.`);
  const n = entries.length ? entries[0].tokens.length : 0;
  const some = entries.find((entry) => entry.share !== null);
  const seen = new Map();
  let total = ZERO;
  const shares = entries.map(({ place, tokens, share }) => {
    if (!tokens.length) throw new Refusal(`${place}: no tokens.`);
    if (tokens.length !== n) {
      throw new Refusal(`${place}: ${tokens.length} tokens where ${entries[0].place} has ${n}; all answers have one length.`);
    }
    const key = JSON.stringify(tokens);
    if (seen.has(key)) throw new Refusal(`${place}: the answer of ${seen.get(key)} again.`);
    seen.set(key, place);
    if (some && share === null) throw new Refusal(`${place}: no probability, but ${some.place} has one.`);
    const value = some ? readRatio(share) : ratio(1n, BigInt(entries.length));
    if (!value) throw new Refusal(`${place}: "${share}" is no number such as 1/4 or 0.25.`);
    if (value[0] < 0n) throw new Refusal(`${place}: ${share} is negative.`);
    total = add(total, value);
    return value;
  });
  if (!total[0]) throw new Refusal("All probabilities are 0.");
  if (compare(total, ONE) !== 0 && !divide && !entries.weighted) {
    const problem = new Refusal(`The probabilities sum to ${text(total)}, not to 1.`);
    problem.total = text(total);
    throw problem;
  }
  const kept = shares.flatMap((share, j) => (share[0] ? [j] : []));
  return { pmf: makePmf(kept.map((j) => entries[j].tokens), kept.map((j) => over(shares[j], total))) };
}

// The pmf as a task file, which the command reads.
function taskFile(pmf) {
  const probabilities = pmf.rows.map((_, j) => text(probability(pmf, j)));
  return JSON.stringify({ outcomes: pmf.rows, probabilities });
}
