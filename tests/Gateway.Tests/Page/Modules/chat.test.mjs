import assert from "node:assert/strict";
import test from "node:test";
import { servedModel, streamChat, useKey } from "../../../../services/Gateway/wwwroot/chat.js";

/** A server's answer in the given packets; an Error among them breaks the connection. */
function answerWith(packets, { status = 200 } = {}) {
  const left = packets.map((packet) => typeof packet === "string" ? bytesOf(packet) : packet);
  const pull = (controller) => {
    const packet = left.shift();
    if (packet instanceof Error)
      controller.error(packet);
    else if (packet)
      controller.enqueue(packet);
    else
      controller.close();
  };
  globalThis.fetch = async () => new Response(new ReadableStream({ pull }, { highWaterMark: 0 }), { status });
}

async function collect() {
  const texts = [];
  try {
    for await (const chunk of streamChat({ messages: [] }))
      texts.push(chunk.choices[0]?.delta?.content ?? "");
    return { text: texts.join(""), fault: null };
  } catch (fault) {
    return { text: texts.join(""), fault };
  }
}

const bytesOf = (text) => new TextEncoder().encode(text);
const event = (text, reason = null) => `data: ${JSON.stringify({ choices: [{ delta: { content: text }, finish_reason: reason }] })}\n\n`;

test("Events_CutAnywhere_AreReadWhole", async () => {
  const bytes = bytesOf(`: keep-alive\n\n${event("a")}${event("b\n\n€🙂")}data: [DONE]\n\n`);
  for (let cut = 1; cut < bytes.length; cut++) {
    answerWith([bytes.slice(0, cut), bytes.slice(cut)]);
    assert.deepEqual(await collect(), { text: "ab\n\n€🙂", fault: null });
  }
});

test("Events_WithCarriageReturns_AreRead", async () => {
  answerWith([(event("a") + "data: [DONE]\n\n").replaceAll("\n\n", "\r\n\r\n")]);
  assert.deepEqual(await collect(), { text: "a", fault: null });
});

test("Stream_WithAnErrorEvent_FailsWithItsMessageAfterTheText", async () => {
  answerWith([event("a"), `data: {"error":{"message":"The Generator is not available.","code":"unavailable"}}\n\n`, new TypeError("cut")]);
  const { text, fault } = await collect();
  assert.equal(text, "a");
  assert.equal(fault.message, "The Generator is not available.");
  assert.equal(fault.code, "unavailable");
});

test("Stream_ThatBreaksOrEndsEarly_Fails", async () => {
  answerWith([event("a"), new TypeError("network error")]);
  assert.match((await collect()).fault.message, /connection broke/);
  answerWith([event("a")]);
  assert.match((await collect()).fault.message, /closed before the answer was complete/);
  answerWith([]);
  assert.match((await collect()).fault.message, /closed before the answer was complete/);
});

test("Stream_ThatEndsAfterTheFinish_IsComplete", async () => {
  answerWith([event("a", "stop")]);
  assert.deepEqual(await collect(), { text: "a", fault: null });
});

test("Refusal_OfTheServer_IsItsMessageCodeAndField", async () => {
  answerWith([`{"error":{"message":"too long","code":"context_length_exceeded","param":"messages"}}`], { status: 400 });
  const { fault } = await collect();
  assert.deepEqual([fault.message, fault.code, fault.param], ["too long.", "context_length_exceeded", "messages"]);
});

test("Refusal_ThatIsNotJson_IsTheStatus", async () => {
  answerWith(["<html>"], { status: 502 });
  assert.match((await collect()).fault.message, /answered 502/);
});

test("Server_ThatIsNotThere_IsUnreachable", async () => {
  globalThis.fetch = async () => { throw new TypeError("Failed to fetch"); };
  assert.equal((await collect()).fault.unreachable, true);
  await assert.rejects(servedModel(), { message: "The server cannot be reached.", unreachable: true });
});

test("Models_WithoutAModel_AreAFault", async () => {
  for (const body of ["{}", "[]", "nothing", '{"data":[]}']) {
    answerWith([body]);
    await assert.rejects(servedModel(), /names no model/);
  }
});

test("Requests_WithAKey_CarryIt", async () => {
  const sent = [];
  globalThis.fetch = async (path, { headers } = {}) => {
    sent.push([path, headers?.Authorization, headers?.["Content-Type"]]);
    return new Response(JSON.stringify({ error: { message: "No.", code: "invalid_api_key" } }), { status: 401 });
  };
  useKey("pk-1");
  assert.equal((await collect()).fault.code, "invalid_api_key");
  await assert.rejects(servedModel(), { code: "invalid_api_key" });
  useKey("");
  await assert.rejects(servedModel());
  assert.deepEqual(sent, [
    ["/v1/chat/completions", "Bearer pk-1", "application/json"], ["/v1/models", "Bearer pk-1", undefined], ["/v1/models", undefined, undefined],
  ]);
});
