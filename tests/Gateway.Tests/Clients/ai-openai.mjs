// What the AI SDK sees of a Gateway by its provider for OpenAI, which asks the Responses API; the test compares what is printed.
import { createOpenAI } from '@ai-sdk/openai';
import { APICallError, Output, generateText, isStepCount, jsonSchema, streamText, tool } from 'ai';

globalThis.AI_SDK_LOG_WARNINGS = false;
const [open, locked] = process.argv.slice(2);
const make = (base, apiKey = 'none') => createOpenAI({ baseURL: `${base}/v1`, apiKey });
const ask = (prompt, more = {}) => ({ model: make(open)('fake'), prompt, maxRetries: 0, ...more });
const schema = jsonSchema({ type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false });
const tools = { get_weather: tool({ description: 'Looks.', inputSchema: schema, execute: ({ city }) => `12 °C in ${city}` }) };
const loop = { tools, stopWhen: isStepCount(3) };
const seen = {};
const faultOf = async (call) => {
  try {
    await call();
    return 'none';
  } catch (error) {
    return [error.name, APICallError.isInstance(error), error.statusCode ?? null, error.data?.error?.code ?? null, error.isRetryable];
  }
};

const settings = { system: 'Be brief.', temperature: 0.5, maxOutputTokens: 50, providerOptions: { openai: { logprobs: 2 } } };
const whole = await generateText(ask('Hi', settings));
seen.answer = [whole.text, whole.finishReason];
seen.usage = [whole.usage.inputTokens, whole.usage.outputTokens];
seen.logprobs = whole.providerMetadata.openai.logprobs[0].length;

const stream = streamText(ask('Hi'));
let text = '';
for await (const delta of stream.textStream) text += delta;
seen.stream = [text, await stream.finishReason, (await stream.usage).outputTokens];

// The second step refers to the first one's items by their ids where they are stored, and sends them where they are not.
seen.tools = [];
for (const store of [true, false]) {
  const called = await generateText(ask('Rain?', { ...loop, providerOptions: { openai: { store } } }));
  seen.tools.push([called.text, called.steps.map((step) => step.toolResults.map((result) => result.output))]);
}
const streamed = streamText(ask('Rain?', loop));
seen.toolsStreamed = [];
for await (const part of streamed.fullStream) if (part.type !== seen.toolsStreamed.at(-1)) seen.toolsStreamed.push(part.type);

seen.schema = (await generateText(ask('json', { output: Output.object({ schema }) }))).output;

const thinking = { tools, providerOptions: { openai: { forceReasoning: true, reasoningEffort: 'low', reasoningSummary: 'detailed' } } };
const reasoned = await generateText(ask('Rain?', thinking));
seen.reasoning = [reasoned.reasoningText ?? null, reasoned.usage.outputTokenDetails.reasoningTokens];
seen.reasoningStreamed = await streamText(ask('Rain?', thinking)).reasoningText ?? null;

seen.notFound = await faultOf(() => generateText({ ...ask('Hi'), model: make(open)('other') }));
seen.badRequest = await faultOf(() => generateText(ask('Hi', { temperature: -1 })));
seen.noKey = await faultOf(() => generateText({ ...ask('Hi'), model: make(locked, 'other')('fake') }));
seen.limited = await faultOf(async () => {
  for (let count = 0; count < 2; count++) await generateText({ ...ask('Hi'), model: make(locked, 'pk-one')('fake') });
});
// By status where it breaks before the first event: the words are the same.
try {
  for await (const part of streamText(ask('fail', { onError: () => {} })).fullStream)
    if (part.type === 'error') seen.broken = part.error.message;
} catch (error) {
  seen.broken ??= error.message;
}

const leaving = new AbortController();
for await (const part of streamText(ask('wait', { abortSignal: leaving.signal })).fullStream) {
  if (part.type === 'text-delta') leaving.abort();
  seen.cancel = part.type;
}
console.log(JSON.stringify(seen));
