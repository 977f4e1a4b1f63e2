import assert from "node:assert/strict";
import test from "node:test";
import { createAnswer } from "../../../../services/Gateway/wwwroot/conversation.js";
import { figuresOf, tokensPerSecond } from "../../../../services/Gateway/wwwroot/figures.js";

const rate = (completion_tokens, timings) => tokensPerSecond({ completion_tokens }, timings);

test("Rate_OfManyTokens_IsThatOfTheTokensAfterTheFirst", () => assert.equal(rate(101, { decode_ms: 2000 }), 50));

test("Rate_ThatIsUnknown_IsNone", () => {
  for (const [tokens, timings] of [[1, { decode_ms: 0.003 }], [0, { decode_ms: 5 }], [34, null], [34, {}], [34, { decode_ms: 0 }],
    [34, { decode_ms: 0.1 }], [34, { decode_ms: -1 }], [34, { decode_ms: "12" }], [undefined, { decode_ms: 5 }]])
    assert.equal(rate(tokens, timings), null);
  assert.equal(tokensPerSecond(null, { decode_ms: 5 }), null);
});

test("Figures_OfOneToken_NameNoRate", () => {
  const usage = { completion_tokens: 1, prompt_tokens: 9, prompt_tokens_details: { cached_tokens: 0 } };
  const answer = { ...createAnswer(), state: "complete", text: "A", usage, timings: { decode_ms: 0.001 } };
  assert.deepEqual(figuresOf(answer), ["1 token", "prompt 9 tokens"]);
});

test("Figures_OfAnEndByTheLimit_SayIt", () => {
  const answer = { ...createAnswer(), state: "complete", text: "A", reason: "length", note: "a note" };
  assert.deepEqual(figuresOf(answer), ["ended by the token limit", "a note"]);
});

test("Figures_OfAStoppedAnswer_SayIt", () => {
  const answer = { ...createAnswer(), state: "stopped", text: "A", firstTextMs: 1234 };
  assert.deepEqual(figuresOf(answer), ["first text after 1.23 s", "stopped"]);
});
