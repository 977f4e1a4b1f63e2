#!/usr/bin/env bash
# @langchain/openai 1.6.0 (npm) with @langchain/core 1.4.0: the setting `reasoning` of ChatOpenAI is sent only where the model's name
# begins with o and a digit, gpt-5 or gpt-6; under any other name it is dropped without a word, in Chat Completions and Responses alike.
# Its documentation says that the setting is ignored where the model does not reason; that this is judged by OpenAI's own names, it
# does not say. So an effort reaches neither gpt-oss-20b, which reasons, nor openai/gpt-5 as routers name it, nor any other maker's
# model, and the answer only costs more or less than was meant. What modelKwargs holds is sent under any name.
#
# Seen on 2026-11-30:
#   o3-mini: chat completions ["developer","low"] responses ["developer",{"effort":"low"}]
#   gpt-oss-20b: chat completions ["system",null] responses ["system",null]
#   openai/gpt-5: chat completions ["system",null] responses ["system",null]
#   gpt-oss-20b, modelKwargs: chat completions ["system","low"] responses ["system",{"effort":"low"}]
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

// What was sent is all that counts: every request is refused.
let sent;
const server = createServer((request, reply) => {
  let text = "";
  request.on("data", (data) => (text += data)).on("end", () => {
    sent = JSON.parse(text);
    reply.writeHead(400, { "content-type": "application/json" }).end('{"error":{"message":"seen"}}');
  });
}).listen(0, "127.0.0.1");
await new Promise((resolve) => server.once("listening", resolve));

async function ask(settings, useResponsesApi) {
  sent = undefined;
  const model = new ChatOpenAI({
    ...settings, apiKey: "none", useResponsesApi, maxRetries: 0,
    configuration: { baseURL: `http://127.0.0.1:${server.address().port}/v1` },
  });
  await model.invoke([["system", "Be brief."], ["human", "Hello"]]).catch(() => {});
  return useResponsesApi ? [sent.input[0].role, sent.reasoning ?? null] : [sent.messages[0].role, sent.reasoning_effort ?? null];
}

async function tell(name, chat, responses) {
  const seen = [JSON.stringify(await ask(chat, false)), JSON.stringify(await ask(responses, true))];
  console.log(`${name}: chat completions ${seen[0]} responses ${seen[1]}`);
}

const reasoning = { effort: "low" };
for (const model of ["o3-mini", "gpt-oss-20b", "openai/gpt-5"])
  await tell(model, { model, reasoning }, { model, reasoning });
await tell("gpt-oss-20b, modelKwargs", { model: "gpt-oss-20b", modelKwargs: { reasoning_effort: "low" } },
  { model: "gpt-oss-20b", modelKwargs: { reasoning } });
server.close();
JS
node probe.mjs | tee seen
diff seen - <<'EXPECTED'
o3-mini: chat completions ["developer","low"] responses ["developer",{"effort":"low"}]
gpt-oss-20b: chat completions ["system",null] responses ["system",null]
openai/gpt-5: chat completions ["system",null] responses ["system",null]
gpt-oss-20b, modelKwargs: chat completions ["system","low"] responses ["system",{"effort":"low"}]
EXPECTED
echo "as described"
