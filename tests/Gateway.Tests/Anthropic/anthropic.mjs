// What Anthropic's client for JavaScript sees of a Gateway; the test compares what is printed.
import Anthropic from '@anthropic-ai/sdk';

const client = new Anthropic({ baseURL: process.argv[2], apiKey: 'none', maxRetries: 0 });
const tools = [{
  name: 'get_weather', description: 'Looks.', input_schema: { type: 'object', properties: { city: { type: 'string' } } },
}];
const ask = (content, more = {}) => ({ model: 'fake', max_tokens: 50, messages: [{ role: 'user', content }], ...more });
const seen = {};

const whole = await client.messages.create(ask('Hi', { system: 'Be brief.', temperature: 0.5, stop_sequences: ['END'] }));
seen.whole = [whole.content[0].text, whole.stop_reason, whole.usage.output_tokens];

const stream = client.messages.stream(ask('Hi'));
let text = '';
stream.on('text', (delta) => { text += delta; });
const streamed = await stream.finalMessage();
seen.stream = [text, streamed.content[0].text, streamed.stop_reason, streamed.usage.output_tokens];

const thinking = { type: 'enabled', budget_tokens: 40 };
const called = await client.messages.stream(ask('Rain?', { tools, thinking })).finalMessage();
seen.tools = [called.content.map((block) => block.type), called.content.at(-1).input, called.stop_reason];
const answered = await client.messages.create({
  ...ask('Rain?', { tools }),
  messages: [
    { role: 'user', content: 'Rain?' },
    { role: 'assistant', content: called.content },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: called.content.at(-1).id, content: '12 °C' }] },
  ],
});
seen.answered = answered.content[0].text;

const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false };
const json = await client.messages.create(ask('json', { output_config: { format: { type: 'json_schema', schema } } }));
seen.json = JSON.parse(json.content[0].text);

seen.tokens = (await client.messages.countTokens({ model: 'fake', messages: [{ role: 'user', content: 'Hi' }] })).input_tokens;
seen.models = [];
for await (const model of client.models.list()) seen.models.push(model.id);

const nameOf = async (call) => {
  try {
    await call();
    return 'none';
  } catch (error) {
    return [error.constructor.name, error.status ?? null, error.type ?? null, Boolean(error.requestID)];
  }
};
seen.notFound = await nameOf(() => client.messages.create(ask('Hi', { model: 'other' })));
seen.bad = await nameOf(() => client.messages.create(ask('Hi', { temperature: 2 })));
seen.broken = await nameOf(() => client.messages.stream(ask('fail')).finalMessage());

const waiting = client.messages.stream(ask('wait'));
seen.aborted = await nameOf(() => {
  waiting.on('text', () => waiting.abort());
  return waiting.finalMessage();
});
console.log(JSON.stringify(seen));
