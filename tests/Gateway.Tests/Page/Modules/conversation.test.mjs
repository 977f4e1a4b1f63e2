import assert from "node:assert/strict";
import test from "node:test";
import { createAnswer, createTurn, messagesFor, readTurns } from "../../../../services/Gateway/wwwroot/conversation.js";

const turn = (question, state, text = "") => ({ question, answer: { ...createAnswer(), state, text } });
const sent = (turns) => messagesFor(turns, turns.at(-1)).map(({ role, content }) => `${role}: ${content}`);

test("Messages_AfterAnsweredTurns_HoldThem", () => {
  const turns = [turn("a", "complete", "A"), turn("b", "stopped", "B"), createTurn("c")];
  assert.deepEqual(sent(turns), ["user: a", "assistant: A", "user: b", "assistant: B", "user: c"]);
});

test("Messages_AfterTurnsWithoutAnAnswer_LeaveThemOut", () => {
  const turns = [turn("a", "stopped"), turn("b", "failed"), turn("c", "failed", "half"), turn("d", "complete", ""), createTurn("e")];
  assert.deepEqual(sent(turns), ["user: d", "assistant: ", "user: e"]);
});

test("Messages_OfAnEarlierTurn_EndWithIt", () => {
  const turns = [turn("a", "complete", "A"), turn("b", "complete", "B"), turn("c", "complete", "C")];
  assert.equal(messagesFor(turns, turns[1]).at(-1).content, "b");
});

test("Roles_WhateverBecameOfTheTurns_Alternate", () => {
  const states = ["complete", "stopped", "failed"].flatMap((state) => [[state, ""], [state, "text"]]);
  for (const first of states) {
    for (const second of states) {
      const turns = [turn("a", ...first), turn("b", ...second), createTurn("c")];
      const roles = messagesFor(turns, turns[2]).map(({ role }) => role);
      assert.ok(roles.every((role, index) => role === (index % 2 === 0 ? "user" : "assistant")), roles.join());
    }
  }
});

test("Turns_ReadBack_AreThoseWritten", () => {
  const turns = [turn("a", "complete", "A"), turn("b", "failed")];
  assert.deepEqual(readTurns(JSON.parse(JSON.stringify(turns))), turns);
});

test("Turns_LeftRunning_AreStopped", () => assert.equal(readTurns([turn("a", "running", "half")])[0].answer.state, "stopped"));

test("Turns_OfAnotherShape_AreNone", () => {
  for (const value of [null, {}, "turns", [null], [5], [{}], [{ question: "a" }], [{ question: "a", answer: { text: "A" } }],
    [{ question: 1, answer: createAnswer() }], [{ question: "a", answer: { ...createAnswer(), state: "other" } }]])
    assert.equal(readTurns(value), null);
});
