#!/usr/bin/env bash
# @langchain/openai 1.6.0 (npm) with @langchain/core 1.4.0: a streamed answer of the Responses API that the server ends with the event
# response.failed, which is one of the API's terminal events, is handed on as if nothing had happened: no exception, and no status or
# error in the message's metadata. The text so far looks like a whole, short answer. The same holds for invoke of a model that streams
# inside (streaming: true). What the API has beside it is heard: the event "error" throws, and response.incomplete gives a status. Chat
# Completions throw for an error within a stream. So who turns useResponsesApi on has to hold a missing status for a failure. (Of the
# Python package an issue says the same: langchain-ai/langchain 39039.)
#
# Seen on 2026-11-30:
#   responses, stream, response.failed: "Take one tablet", status undefined, error undefined
#   responses, stream, error: throws the model broke off
#   responses, stream, response.incomplete: "Take one tablet", status incomplete, error null
#   chat completions, stream: throws the model broke off
#   responses, invoke, response.failed: "Take one tablet", status undefined, error undefined
#   responses, invoke, error: throws the model broke off
#   responses, invoke, response.incomplete: "Take one tablet", status incomplete, error null
#   chat completions, invoke: throws the model broke off
# Needs: node, npm. Fails when what it sees changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix "$work" @langchain/openai@1.6.0 @langchain/core@1.4.0 >install.log 2>&1 \
  || { cat install.log >&2; exit 2; }

cat > probe.mjs <<'JS'
import { createServer } from "node:http";
import { ChatOpenAI } from "@langchain/openai";

const response = (status, more) => ({
  id: "resp_1", object: "response", created_at: 1, model: "some-model", status, output: [], error: null, incomplete_details: null, ...more,
});
const error = { code: "server_error", message: "the model broke off" };
const part = { item_id: "msg_1", output_index: 0, content_index: 0 };
const opening = [
  { type: "response.created", response: response("in_progress") },
  { type: "response.output_item.added", output_index: 0,
    item: { id: "msg_1", type: "message", role: "assistant", status: "in_progress", content: [] } },
  { type: "response.content_part.added", ...part, part: { type: "output_text", text: "", annotations: [] } },
  { type: "response.output_text.delta", ...part, delta: "Take one tablet" },
];
const responses = {
  "response.failed": [...opening, { type: "response.failed", response: response("failed", { error }) }],
  "error": [...opening, { type: "error", ...error, param: null }],
  "response.incomplete": [...opening, { type: "response.incomplete",
    response: response("incomplete", { incomplete_details: { reason: "max_output_tokens" } }) }],
};
const chunk = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "some-model" };
const chat = [
  { ...chunk, choices: [{ index: 0, delta: { role: "assistant", content: "Take one tablet" }, finish_reason: null }] },
  { error },
];

let ending;
const server = createServer((request, reply) => {
  request.resume().on("end", () => {
    reply.writeHead(200, { "content-type": "text/event-stream" });
    const events = request.url.endsWith("/responses")
      ? responses[ending].map((event, place) =>
        `event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number: place })}\n\n`)
      : [...chat.map((event) => `data: ${JSON.stringify(event)}\n\n`), "data: [DONE]\n\n"];
    reply.end(events.join(""));
  });
}).listen(0, "127.0.0.1");
await new Promise((resolve) => server.once("listening", resolve));

async function ask(way, useResponsesApi) {
  const model = new ChatOpenAI({
    model: "some-model", apiKey: "none", useResponsesApi, streaming: way === "invoke" || undefined, maxRetries: 0,
    configuration: { baseURL: `http://127.0.0.1:${server.address().port}/v1` },
  });
  try {
    let text = "", metadata = {};
    for await (const piece of way === "invoke" ? [await model.invoke("How many?")] : await model.stream("How many?")) {
      text += piece.text;
      metadata = { ...metadata, ...piece.response_metadata };
    }
    return `"${text}", status ${metadata.status}, error ${metadata.error}`;
  } catch (exception) {
    return `throws ${exception.message}`;
  }
}

for (const way of ["stream", "invoke"]) {
  for (ending of Object.keys(responses))
    console.log(`responses, ${way}, ${ending}: ${await ask(way, true)}`);
  console.log(`chat completions, ${way}: ${await ask(way, false)}`);
}
server.close();
JS
node probe.mjs | tee seen
diff seen - <<'EXPECTED'
responses, stream, response.failed: "Take one tablet", status undefined, error undefined
responses, stream, error: throws the model broke off
responses, stream, response.incomplete: "Take one tablet", status incomplete, error null
chat completions, stream: throws the model broke off
responses, invoke, response.failed: "Take one tablet", status undefined, error undefined
responses, invoke, error: throws the model broke off
responses, invoke, response.incomplete: "Take one tablet", status incomplete, error null
chat completions, invoke: throws the model broke off
EXPECTED
echo "as described"
