// The conversation: turns, each a question and what became of it. Nothing here knows the page or its storage.

import { readCalls } from "./tools.js";

const states = ["running", "complete", "stopped", "failed"];

/** A question that is about to be answered. */
export function createTurn(question) {
  return { question, answer: createAnswer() };
}

/** An answer of which nothing has come yet. */
export function createAnswer() {
  return {
    text: "", reasoning: "", calls: [], state: "running", fault: "", note: "", reason: null, usage: null, timings: null, firstTextMs: null,
  };
}

/**
 * Whether later requests hold the turn. A question that was refused, failed or was stopped before any text is left out, so that it can
 * neither make every later request fail nor put two questions in a row.
 */
export function isSent({ answer }) {
  return answer.state === "complete" || (answer.state === "stopped" && answer.text !== "");
}

/** The messages that ask the turn's question, after those turns before it that are sent. */
export function messagesFor(turns, turn) {
  const before = turns.slice(0, turns.indexOf(turn)).filter(isSent);
  return [
    ...before.flatMap(({ question, answer }) => [{ role: "user", content: question }, { role: "assistant", content: answer.text }]),
    { role: "user", content: turn.question },
  ];
}

/** Turns out of storage, where anything may lie; null where it is no list of turns. */
export function readTurns(value) {
  if (!Array.isArray(value) || !value.every((turn) => typeof turn?.question === "string" && isAnswer(turn.answer)))
    return null;
  return value.map(({ question, answer }) => ({ question, answer: readAnswer(answer) }));
}

function isAnswer(answer) {
  return typeof answer?.text === "string" && states.includes(answer.state);
}

function readAnswer(answer) {
  const text = (value) => typeof value === "string" ? value : "";
  const object = (value) => typeof value === "object" ? value : null;
  return {
    text: answer.text,
    reasoning: text(answer.reasoning),
    calls: readCalls(answer.calls),
    // Whoever closes the page stops the answer.
    state: answer.state === "running" ? "stopped" : answer.state,
    fault: text(answer.fault),
    note: text(answer.note),
    reason: text(answer.reason) || null,
    usage: object(answer.usage),
    timings: object(answer.timings),
    firstTextMs: Number.isFinite(answer.firstTextMs) ? answer.firstTextMs : null,
  };
}
