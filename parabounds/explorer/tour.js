// Eight questions. Which option is right is computed by the engine, or read from what Python embedded.
"use strict";

const CITIES = { task: "city_names", rule: "topk", by: "confidence", ties: "random", temperature: "1", block: "" };
const WEIGHTED = "New York | 2/5\nNew Orleans | 1/5\nMexico City | 1/5\nPanama City | 1/5";

// measure(found): the right option's `is`. found = {totals, pmf, first, info}: the exact decode of the card's setting,
// the plan of its first step, and the embedded numbers of the task.
const CARDS = [
  {
    title: "Two words at once",
    ask: "New York, New Orleans, Mexico City and Panama City are equally likely. A decoder draws the first and the second word at once, each with its own probabilities and without looking at the other. How often is the answer one of the four?",
    set: { ...CITIES, k: "2" },
    options: [["always", "1"], ["three times in four", "3/4"], ["every second time", "1/2"], ["once in four", "1/4"]],
    measure: ({ totals }) => text(totals.accuracy),
    why: ({ totals }) => `The accuracy is ${text(totals.accuracy)}. "New" comes half of the time and so does "City": they meet a quarter of the time, and there is no New City. Each of the four comes half as often as it should, so the loss (KL) is ${shownBits(totals.kl)}.`,
  },
  {
    title: "The most probable words",
    ask: "The same four cities. Now the decoder takes the most probable first word and the most probable second word, again both at once (temperature 0). How often is the answer one of the four?",
    set: { ...CITIES, k: "2", temperature: "0" },
    options: [["always", "1"], ["every second time", "1/2"], ["never", "0"]],
    measure: ({ totals }) => text(totals.accuracy),
    why: ({ totals }) => `The accuracy is ${text(totals.accuracy)}: "New" is the likeliest first word and "City" the likeliest second one: the answer is always New City.`,
  },
  {
    title: "One word at a time",
    ask: "The same four cities, one word a step: one word is drawn, then the model is asked again, and the other word is drawn knowing the first. How often is the answer one of the four, and after how many steps?",
    set: { ...CITIES, k: "1" },
    options: [["3/4 right, in 2 steps", "3/4 2"], ["all right, in 2 steps", "1 2"], ["all right, in 1 step", "1 1"]],
    measure: ({ totals }) => `${text(totals.accuracy)} ${text(totals.steps)}`,
    why: ({ totals }) => `The accuracy is ${text(totals.accuracy)}, in ${text(totals.steps)} steps. After "New" the model says York or Orleans, no longer City, so nothing is lost; the price is that it is asked twice.`,
  },
  {
    title: "Every pair independent, yet",
    ask: "Three bits with an even number of ones: 000, 011, 101 and 110 are equally likely, so any two of the bits are independent. All three are drawn at once. What is the loss? (It is 1 bit if each right answer comes half as often as it should, 2 bits if a quarter as often.)",
    set: { ...CITIES, task: "parity", k: "3" },
    options: [["nothing, they are independent", "0"], ["1/2 bit", "1/2 log2(2)"], ["1 bit", "log2(2)"]],
    measure: ({ totals }) => totals.kl.form,
    why: ({ totals }) => `The loss (KL) is ${shownBits(totals.kl)}: two bits fix the third, and of three bits drawn at once half are odd. So each right answer comes with probability 1/8 and should with 1/4. Independence of pairs says nothing about three.`,
  },
  {
    title: "Which word first",
    ask: "New York now has probability 2/5; New Orleans, Mexico City and Panama City have 1/5 each. A rule reveals the position of the highest confidence first: the confidence of a position is the probability of its most probable word. Which word goes first?",
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
    ask: "Four equally likely cities again: New York, New Orleans, Mexico City, Panama City. A rule takes every position whose confidence is above 1/2; if there is none, the best one alone. At first both confidences are exactly 1/2. How many steps does it need?",
    set: { ...CITIES, rule: "threshold", gamma: "1/2", strict: true },
    options: [["1, both go at once", "1"], ["1 1/2 on average", "3/2"], ["2, one after the other", "2"]],
    measure: ({ totals }) => text(totals.steps),
    why: ({ totals }) => `It needs ${text(totals.steps)} steps: equal is not above, so the best one goes alone, and ties are broken by chance. Untick "strict" and both go at once.`,
  },
  {
    title: "A token that tells which belong together",
    ask: "Five positions: a selector and four bits. The selector, one of three values, says how the four bits form two pairs; the bits of a pair are equal, the pairs independent. In three steps even the best fixed order of positions loses a little. What is lost by the best order that may depend on the tokens seen so far?",
    set: { ...CITIES, task: "matching_selector", k: "2" },
    options: [["the same", "same"], ["less, but not nothing", "less"], ["nothing", "0"]],
    measure: ({ info }) => {
      const [fixed, looks] = [info.fixed[2], info.adaptive[2]];
      return looks.form === "0" ? "0" : looks.form === fixed.form ? "same" : "less";
    },
    why: ({ info }) => `It loses ${shownBits(info.adaptive[2])}: the selector first, then one bit of each pair that it names, then the other two, which are known. A fixed order cannot know the pairs and loses ${shownBits(info.fixed[2])} (table "Least KL", three steps).`,
  },
  {
    title: "Always right, and still not the distribution",
    ask: "The same selector and four bits, the three most confident positions at a time. Each bit has confidence 1/2, the selector 1/3: so first three of the bits are drawn at once, then the selector and the last bit. What comes out?",
    set: { ...CITIES, task: "matching_selector", k: "3" },
    options: [["all answers possible, the right distribution", "both"], ["all answers possible, a wrong distribution", "right"], ["some answers impossible", "wrong"]],
    measure: ({ totals }) => {
      if (text(totals.accuracy) !== "1") return "wrong";
      return totals.kl.form === "0" ? "both" : "right";
    },
    why: ({ totals }) => `The accuracy is ${text(totals.accuracy)}: any three bits fit some pairing. But three equal bits should come half of the time, and drawn at once they come a quarter of the time. Accuracy does not see that; the loss (KL) does, it is ${shownBits(totals.kl)}.`,
  },
];
