// Eight questions. Which option is right is computed by the engine, or read from what Python embedded.
"use strict";

const CITIES = { task: "city_names", rule: "topk", by: "confidence", ties: "random", temperature: "1", block: "" };
const WEIGHTED = "New York | 2/5\nNew Orleans | 1/5\nMexico City | 1/5\nPanama City | 1/5";

// measure(found): the right option's `is`. found = {totals, pmf, first, info}: the exact decode of the card's setting,
// the plan of its first step, and the embedded numbers of the task.
const CARDS = [
  {
    title: "Two words at once",
    ask: "Four cities are equally likely. A decoder draws both words at once, each from its own distribution. How often is the answer one of the four?",
    set: { ...CITIES, k: "2" },
    options: [["always", "1"], ["three times in four", "3/4"], ["every second time", "1/2"], ["once in four", "1/4"]],
    measure: ({ totals }) => text(totals.accuracy),
    why: ({ totals }) => `Accuracy ${text(totals.accuracy)}, KL ${totals.kl.form}. Each word is right on its own, but "New" and "City" meet with probability 1/2 times 1/2, and there is no New City.`,
  },
  {
    title: "The most probable words",
    ask: "Now it takes the most probable word at each place, again both at once (temperature 0). How often is the answer one of the four?",
    set: { ...CITIES, k: "2", temperature: "0" },
    options: [["always", "1"], ["every second time", "1/2"], ["never", "0"]],
    measure: ({ totals }) => text(totals.accuracy),
    why: ({ totals }) => `Accuracy ${text(totals.accuracy)}. "New" is the likeliest first word and "City" the likeliest second one: the answer is always New City.`,
  },
  {
    title: "One word at a time",
    ask: "One word a step: the second word is drawn after the first is known. What does that give?",
    set: { ...CITIES, k: "1" },
    options: [["3/4 right, in 2 steps", "3/4 2"], ["all right, in 2 steps", "1 2"], ["all right, in 1 step", "1 1"]],
    measure: ({ totals }) => `${text(totals.accuracy)} ${text(totals.steps)}`,
    why: ({ totals }) => `Accuracy ${text(totals.accuracy)} in ${text(totals.steps)} steps. The model is asked again after each word, so nothing is lost; the price is the second call.`,
  },
  {
    title: "Every pair independent, yet",
    ask: "Three bits with an even number of ones: any two of them are independent. All three are drawn at once. What does that lose?",
    set: { ...CITIES, task: "parity", k: "3" },
    options: [["nothing, they are independent", "0"], ["1/2 bit", "1/2 log2(2)"], ["1 bit", "log2(2)"]],
    measure: ({ totals }) => totals.kl.form,
    why: ({ totals }) => `KL ${totals.kl.form}, which is 1 bit: two bits fix the third, and drawn at once half of the answers are odd. Independence of pairs says nothing about three.`,
  },
  {
    title: "Which word first",
    ask: "New York now has probability 2/5, the other three cities 1/5 each. A rule takes the position of the highest confidence. Which word goes first?",
    set: { ...CITIES, task: "own", own: WEIGHTED, k: "1" },
    options: [["the first word", "1"], ["the second word", "2"], ["either, by chance", "tie"]],
    measure: ({ first }) => (first.sets.length > 1 ? "tie" : String(first.sets[0][0])),
    why: ({ pmf }) => {
      const { weight, counts } = marginals(pmf, everyRow(pmf));
      const best = counts.map((row) => text(ratio(row.reduce((a, b) => (a > b ? a : b)), weight)));
      return `The highest probability is ${best[0]} at the first place ("New") and ${best[1]} at the second: the first word goes.`;
    },
  },
  {
    title: "A threshold that equals the confidence",
    ask: "Four equal cities again. A rule takes every position whose confidence is above 1/2; if there is none, the best one. Both confidences are exactly 1/2. How many steps does it need?",
    set: { ...CITIES, rule: "threshold", gamma: "1/2", strict: true },
    options: [["1, both go at once", "1"], ["1 1/2 on average", "3/2"], ["2, one after the other", "2"]],
    measure: ({ totals }) => text(totals.steps),
    why: ({ totals }) => `${text(totals.steps)} steps: equal is not above, so the best one goes alone, and ties are broken by chance. Untick "strict" and both go at once.`,
  },
  {
    title: "A token that tells which belong together",
    ask: "A selector token says which two pairs of four bits are equal. The best fixed order of three steps loses a little. What does the best order that may look at the selector lose in three steps?",
    set: { ...CITIES, task: "matching_selector", k: "2" },
    options: [["the same", "same"], ["less, but not nothing", "less"], ["nothing", "0"]],
    measure: ({ info }) => {
      const [fixed, looks] = [info.fixed[2], info.adaptive[2]];
      return looks.form === "0" ? "0" : looks.form === fixed.form ? "same" : "less";
    },
    why: ({ info }) => `Fixed order: ${info.fixed[2].value.toFixed(4)} bits; looking at the selector first: ${info.adaptive[2].form}. A fixed partition is not the last word.`,
  },
  {
    title: "Always right, and still not the distribution",
    ask: "The same task, the three most confident positions at a time. What do you expect?",
    set: { ...CITIES, task: "matching_selector", k: "3" },
    options: [["all answers possible, the right distribution", "both"], ["all answers possible, a wrong distribution", "right"], ["some answers impossible", "wrong"]],
    measure: ({ totals }) => {
      if (text(totals.accuracy) !== "1") return "wrong";
      return totals.kl.form === "0" ? "both" : "right";
    },
    why: ({ totals }) => `Accuracy ${text(totals.accuracy)}, KL ${totals.kl.value.toFixed(4)} bits. Every answer is possible, but some come too often: accuracy does not see that, KL does.`,
  },
];
