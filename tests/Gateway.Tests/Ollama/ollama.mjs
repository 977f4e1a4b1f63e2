// What Ollama's client for JavaScript sees of a Gateway; the test compares what is printed.
import { Ollama } from 'ollama';

const client = new Ollama({ host: process.argv[2] });
const tools = [{
  type: 'function',
  function: { name: 'get_weather', description: 'Looks.', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
}];
const ask = (content, more = {}) => ({ model: 'fake', messages: [{ role: 'user', content }], ...more });
const seen = {};

const whole = await client.chat(ask('Hi', { options: { temperature: 0.5, num_predict: 50, stop: ['END'] }, keep_alive: '5m' }));
seen.whole = [whole.message.content, whole.done_reason, whole.eval_count];
const judged = await client.chat(ask('Hi', { logprobs: true, top_logprobs: 2 }));
seen.logprobs = [judged.logprobs.length, judged.logprobs[0].top_logprobs.length];

let text = '';
let last = null;
for await (const part of await client.chat(ask('Hi', { stream: true }))) {
  text += part.message.content;
  last = part;
}
seen.stream = [text, last.done, last.done_reason, last.eval_count];

const called = await client.chat(ask('Rain?', { tools, think: true }));
seen.tools = [called.message.thinking, called.message.tool_calls[0].function];
const answered = await client.chat({
  model: 'fake', tools,
  messages: [{ role: 'user', content: 'Rain?' }, called.message, { role: 'tool', tool_name: 'get_weather', content: '12 °C' }],
});
seen.answered = answered.message.content;

const format = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
seen.json = JSON.parse((await client.chat(ask('json', { format }))).message.content);
const generated = await client.generate({ model: 'fake', prompt: 'Hi', system: 'Be brief.' });
seen.generated = [generated.response, generated.context.length > 2];
const next = await client.generate({ model: 'fake', prompt: 'And?', context: generated.context });
seen.next = next.prompt_eval_count;
seen.models = (await client.list()).models.map((model) => model.name);
seen.loaded = (await client.ps()).models.map((model) => model.name);
seen.shown = (await client.show({ model: 'fake' })).capabilities;
seen.version = (await client.version()).version;

const nameOf = async (call) => {
  try {
    await call();
    return 'none';
  } catch (error) {
    return [error.name, error.status_code ?? null, error.message];
  }
};
seen.notFound = await nameOf(() => client.chat(ask('Hi', { model: 'other' })));
seen.embed = await nameOf(() => client.embed({ model: 'fake', input: 'x' }));
// What is thrown depends on whether a line was told before; the words do not.
seen.broken = (await nameOf(async () => {
  for await (const part of await client.chat(ask('fail', { stream: true }))) void part;
}))[2];
const waiting = await client.chat(ask('wait', { stream: true }));
seen.aborted = (await nameOf(async () => {
  for await (const part of waiting) if (part.message.content) waiting.abort();
}))[0];
console.log(JSON.stringify(seen));
