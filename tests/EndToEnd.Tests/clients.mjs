// What clients for JavaScript see of the demo model; the test compares what is printed.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText } from 'ai';
import OpenAI from 'openai';

const [address, question] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${address}/v1`, apiKey: 'none', maxRetries: 0 });
const model = (await client.models.list()).data[0].id;
const ask = (content, more = {}) => ({ model, messages: [{ role: 'user', content }], temperature: 0, max_completion_tokens: 32, ...more });
const seen = {};

const whole = await client.chat.completions.create(ask(question, { logprobs: true }));
seen.chat = whole.choices[0].message.content;
seen.tokens = [whole.usage.completion_tokens === whole.choices[0].logprobs.content.length,
  whole.choices[0].logprobs.content.every((one) => one.logprob <= 0)];
seen.chatStreamed = await client.chat.completions.stream(ask(question)).finalContent();
const provider = createOpenAICompatible({ name: 'parley', baseURL: `${address}/v1`, apiKey: 'none' });
seen.aiSdk = (await generateText({ model: provider(model), prompt: question, temperature: 0, maxOutputTokens: 32, maxRetries: 0 })).text;
const response = await client.responses.create({ model, input: question, temperature: 0, max_output_tokens: 32 });
seen.responses = response.output_text;

// Here the masks of a real guide choose the letters.
const schema = {
  type: 'object', properties: { city: { type: 'string', maxLength: 12 }, rain: { type: 'boolean' } }, required: ['city', 'rain'],
  additionalProperties: false,
};
const format = { type: 'json_schema', json_schema: { name: 'place', strict: true, schema } };
const guided = await client.chat.completions.create(ask(question, { response_format: format, max_completion_tokens: 200 }));
const place = JSON.parse(guided.choices[0].message.content);
seen.schema = [Object.keys(place), typeof place.city, typeof place.rain];

const compacted = await client.responses.compact({ model, previous_response_id: response.id });
seen.compacted = compacted.output.map((item) => item.type);
const onwards = await client.responses.create({ model, input: [...compacted.output, { role: 'user', content: question }], max_output_tokens: 8 });
seen.onwards = onwards.usage.output_tokens > 0;
console.log(JSON.stringify(seen));
