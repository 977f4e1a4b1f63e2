// What the AI SDK sees of a Gateway by its provider for servers like OpenAI's; the test compares what is printed.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, Output, generateObject, generateText, isStepCount, jsonSchema, streamText, tool } from 'ai';

globalThis.AI_SDK_LOG_WARNINGS = false;
const [open, locked] = process.argv.slice(2);
const make = (base, apiKey = 'none') => createOpenAICompatible({
  name: 'parley', baseURL: `${base}/v1`, apiKey, includeUsage: true, supportsStructuredOutputs: true,
});
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

const whole = await generateText(ask('Hi', { system: 'Be brief.', temperature: 0.5, maxOutputTokens: 50, stopSequences: ['END'] }));
seen.answer = [whole.text, whole.finishReason];
seen.usage = [whole.usage.inputTokens, whole.usage.outputTokens];

const stream = streamText(ask('Hi'));
let text = '';
for await (const delta of stream.textStream) text += delta;
seen.stream = [text, await stream.finishReason, (await stream.usage).outputTokens];

const called = await generateText(ask('Rain?', loop));
seen.tools = [called.text, called.steps.map((step) => step.toolResults.map((result) => result.output))];
const streamed = streamText(ask('Rain?', loop));
seen.toolsStreamed = [];
for await (const part of streamed.fullStream) if (part.type !== seen.toolsStreamed.at(-1)) seen.toolsStreamed.push(part.type);

seen.schema = (await generateText(ask('json', { output: Output.object({ schema }) }))).output;
seen.object = (await generateObject(ask('json', { schema }))).object;
const partials = streamText(ask('json', { output: Output.object({ schema }) })).partialOutputStream;
for await (const partial of partials) seen.schemaStreamed = partial;

const reasoned = await generateText(ask('Rain?', { tools, providerOptions: { parley: { reasoningEffort: 'low' } } }));
seen.reasoning = [reasoned.reasoningText, reasoned.finishReason, reasoned.usage.outputTokenDetails.reasoningTokens];
seen.completion = (await generateText({ ...ask('Hi'), model: make(open).completionModel('fake') })).text;

seen.notFound = await faultOf(() => generateText({ ...ask('Hi'), model: make(open)('other') }));
seen.badRequest = await faultOf(() => generateText(ask('Hi', { temperature: -1 })));
seen.noKey = await faultOf(() => generateText({ ...ask('Hi'), model: make(locked, 'other')('fake') }));
seen.limited = await faultOf(async () => {
  for (let count = 0; count < 2; count++) await generateText({ ...ask('Hi'), model: make(locked, 'pk-one')('fake') });
});
// The words come as a part, or by status where it breaks before the first line. Whether the connection's end, which lacks its last chunk,
// is thrown beside them depends on which of the two is read first.
const broken = streamText(ask('fail', { onError: () => {} }));
try {
  for await (const part of broken.fullStream) if (part.type === 'error') seen.broken = part.error.message;
} catch (error) {
  seen.broken ??= error.message;
}

const leaving = new AbortController();
for await (const part of streamText(ask('wait', { abortSignal: leaving.signal })).fullStream) {
  if (part.type === 'text-delta') leaving.abort();
  seen.cancel = part.type;
}
console.log(JSON.stringify(seen));
