// What OpenAI's client for JavaScript sees of a Gateway; the test compares what is printed.
import OpenAI from 'openai';

const [open, locked] = process.argv.slice(2);
const make = (base, apiKey = 'none') => new OpenAI({ baseURL: `${base}/v1`, apiKey, maxRetries: 0 });
const client = make(open);
const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false };
const ask = (content, more = {}) => ({ model: 'fake', messages: [{ role: 'user', content }], ...more });
const seen = {};
const faultOf = async (call) => {
  try {
    await call();
    return 'none';
  } catch (error) {
    return [error.constructor.name, error.status ?? null, error.code ?? null, error.param ?? null, Boolean(error.requestID)];
  }
};

seen.models = [];
for await (const model of client.models.list()) seen.models.push(model.id);
seen.model = (await client.models.retrieve('fake')).id;

const whole = await client.chat.completions.create(ask('Hi', { temperature: 0.5, logprobs: true, top_logprobs: 2 }));
const [choice] = whole.choices;
seen.answer = [choice.message.content, choice.finish_reason];
seen.usage = whole.usage.total_tokens;
seen.logprobs = [choice.logprobs.content.length, choice.logprobs.content[0].top_logprobs.length];

const stream = client.chat.completions.stream(ask('Hi', { stream_options: { include_usage: true } }));
let text = '';
stream.on('content', (delta) => { text += delta; });
const streamed = await stream.finalChatCompletion();
seen.stream = [text, streamed.choices[0].message.content, streamed.choices[0].finish_reason, streamed.usage.completion_tokens];

const asked = [];
const look = ({ city }) => {
  asked.push(city);
  return '12 °C';
};
const tools = [{
  type: 'function', function: { name: 'get_weather', description: 'Looks.', parameters: schema, parse: JSON.parse, function: look },
}];
seen.tools = await client.chat.completions.runTools(ask('Rain?', { tools })).finalContent();
const runner = client.chat.completions.runTools(ask('Rain?', { tools, stream: true }));
seen.toolsStreamed = [await runner.finalContent(), runner.messages.map((message) => message.role), asked];

const format = { type: 'json_schema', json_schema: { name: 'place', strict: true, schema } };
seen.schema = JSON.parse((await client.chat.completions.create(ask('json', { response_format: format }))).choices[0].message.content);

// The client knows no such field; it keeps what it does not know.
seen.reasoning = ['', (await client.chat.completions.create(ask('Rain?', { tools }))).choices[0].message.reasoning_content];
for await (const chunk of await client.chat.completions.create(ask('Rain?', { tools, reasoning_effort: 'low', stream: true })))
  seen.reasoning[0] += chunk.choices[0]?.delta.reasoning_content ?? '';

const completion = await client.completions.create({ model: 'fake', prompt: 'Hello?', echo: true, logprobs: 1 });
seen.completion = [completion.choices[0].text, completion.choices[0].logprobs.tokens.length, completion.usage.completion_tokens];
text = '';
for await (const chunk of await client.completions.create({ model: 'fake', prompt: 'Hi', stream: true })) text += chunk.choices[0].text;
seen.completionStreamed = text;

seen.notFound = await faultOf(() => client.chat.completions.create(ask('Hi', { model: 'other' })));
seen.badRequest = await faultOf(() => client.chat.completions.create(ask('Hi', { temperature: -1 })));
seen.noKey = await faultOf(() => make(locked, 'other').chat.completions.create(ask('Hi')));
seen.limited = await faultOf(async () => {
  for (let count = 0; count < 2; count++) await make(locked, 'pk-one').chat.completions.create(ask('Hi'));
});
// Told by status where it breaks before the first line: the words are the same.
try {
  await client.chat.completions.stream(ask('fail')).finalContent();
} catch (error) {
  seen.broken = [error instanceof OpenAI.APIError, error.message.replace(/^500 /, '')];
}

const waiting = client.chat.completions.stream(ask('wait'));
seen.cancel = await faultOf(() => {
  waiting.on('content', () => waiting.abort());
  return waiting.finalContent();
});
// Whoever leaves the loop has cancelled as well, without a fault.
for await (const chunk of await client.chat.completions.create(ask('wait', { stream: true }))) if (chunk.choices[0]?.delta.content) break;
console.log(JSON.stringify(seen));
