// What OpenAI's client for JavaScript sees of the Responses API; the test compares what is printed.
import OpenAI from 'openai';
import { ResponsesToolRunner } from 'openai/helpers/responses-tool-runner';

const client = new OpenAI({ baseURL: `${process.argv[2]}/v1`, apiKey: 'none', maxRetries: 0 });
const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false };
const tools = [{ type: 'function', name: 'get_weather', description: 'Looks.', parameters, strict: true }];
const ask = (input, more = {}) => ({ model: 'fake', input, ...more });
const seen = {};
const faultOf = async (call) => {
  try {
    await call();
    return 'none';
  } catch (error) {
    return [error.constructor.name, error.status ?? null, error.code ?? null, error.param ?? null, Boolean(error.requestID)];
  }
};

const whole = await client.responses.create(ask('Hi', { instructions: 'Be brief.', include: ['message.output_text.logprobs'] }));
seen.answer = [whole.output_text, whole.status];
seen.usage = whole.usage.output_tokens;
seen.logprobs = whole.output[0].content[0].logprobs.length;

let text = '';
const stream = client.responses.stream(ask('Hi'));
stream.on('response.output_text.delta', (event) => { text += event.delta; });
const streamed = await stream.finalResponse();
seen.stream = [text, streamed.output_text, streamed.status, streamed.usage.output_tokens];

const called = await client.responses.stream(ask('Rain?', { tools, reasoning: { effort: 'low' } })).finalResponse();
seen.reasoning = called.output.find((item) => item.type === 'reasoning').content[0].text;
const call = called.output.find((item) => item.type === 'function_call');
seen.tools = [called.output.map((item) => item.type), call.name, JSON.parse(call.arguments)];
const result = { type: 'function_call_output', call_id: call.call_id, output: '12 °C' };
const next = await client.responses.create(ask([result], { previous_response_id: called.id, tools }));
seen.answered = next.output_text;
// Without a store everything that came goes back.
const again = await client.responses.create(ask([{ role: 'user', content: 'Rain?' }, ...called.output, result], { tools, store: false }));
seen.answeredWithoutStore = again.output_text;
const asked = [];
const runner = new ResponsesToolRunner({
  functions: [{
    tool: tools[0],
    execute: ({ city }) => {
      asked.push(city);
      return '12 °C';
    },
  }],
});
seen.run = [];
for (const isStream of [false, true]) {
  const run = await runner.run(client, ask([{ role: 'user', content: 'Rain?' }]), { stream: isStream });
  seen.run.push(run.output_text);
}
seen.ran = asked;

const format = { type: 'json_schema', name: 'place', strict: true, schema: parameters };
seen.schema = JSON.parse((await client.responses.create(ask('json', { text: { format } }))).output_text);

const compacted = await client.responses.compact({ model: 'fake', input: [{ role: 'user', content: 'Rain?' }, ...called.output, result] });
seen.compacted = [compacted.object, compacted.output.map((item) => item.type)];
const onwards = await client.responses.create(ask([...compacted.output, { role: 'user', content: 'Hi' }]));
seen.onwards = onwards.output_text;

seen.kept = (await client.responses.retrieve(next.id)).output_text;
seen.items = [];
for await (const item of client.responses.inputItems.list(next.id, { order: 'asc' })) seen.items.push(item.type);
seen.counted = (await client.responses.inputTokens.count(ask('Hi'))).input_tokens;
await client.responses.delete(next.id);
seen.deleted = await faultOf(() => client.responses.retrieve(next.id));

seen.notFound = await faultOf(() => client.responses.create(ask('Hi', { model: 'other' })));
seen.badRequest = await faultOf(() => client.responses.create(ask('Hi', { temperature: -1 })));
seen.hosted = await faultOf(() => client.responses.create(ask('Hi', { tools: [{ type: 'web_search' }] })));
// Told by status where it breaks before the first event: the words are the same.
try {
  const failed = await client.responses.stream(ask('fail')).finalResponse();
  seen.broken = failed.error.message;
} catch (error) {
  seen.broken = error.message.replace(/^500 /, '');
}

const waiting = client.responses.stream(ask('wait'));
seen.cancel = await faultOf(() => {
  waiting.on('response.output_text.delta', () => waiting.abort());
  return waiting.finalResponse();
});
// From elsewhere, by its id.
const running = client.responses.stream(ask('wait'));
let id = '';
running.on('response.created', (event) => { id = event.response.id; });
running.once('response.output_text.delta', () => { void client.responses.cancel(id); });
seen.cancelledElsewhere = (await running.finalResponse()).status;
console.log(JSON.stringify(seen));
