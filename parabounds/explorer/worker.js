// The worker: the exact decode, then the impossible answers. The engine's text stands before this.
"use strict";

function answerRequest({ id, pmf, rule, temperature }) {
  try {
    return { id, totals: decode(pmf, rule, temperature), wrong: impossible(pmf, rule, temperature) };
  } catch (problem) {
    const kind = problem instanceof TooLarge ? "large" : problem instanceof Refusal ? "refused" : "failed";
    return { id, kind, message: problem.message };
  }
}

// The text runs in the page too, for tests; only in a worker does it listen.
if (typeof document === "undefined") self.onmessage = (event) => self.postMessage(answerRequest(event.data));
