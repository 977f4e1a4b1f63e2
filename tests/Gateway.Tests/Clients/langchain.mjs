// What LangChain's ChatOpenAI sees of a Gateway, by Chat Completions or by Responses; the test compares what is printed.
import { HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import { ChatOpenAI } from '@langchain/openai';

const [open, locked, api] = process.argv.slice(2);
const isResponses = api === 'responses';
const make = (more = {}, base = open) => new ChatOpenAI({
  model: 'fake', apiKey: 'none', maxRetries: 0, useResponsesApi: isResponses, configuration: { baseURL: `${base}/v1` }, ...more,
});
const schema = {
  title: 'place', type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false,
};
const seen = {};
const faultOf = async (call) => {
  try {
    await call();
    return 'none';
  } catch (error) {
    return [error.constructor.name, error.status ?? null, error.code ?? null, error.lc_error_code ?? null];
  }
};
const join = async (stream) => {
  let all = null;
  for await (const chunk of await stream) all = all === null ? chunk : all.concat(chunk);
  return all;
};
const thoughtOf = (message) => message.additional_kwargs.reasoning_content
  ?? message.contentBlocks.filter((block) => block.type === 'reasoning').map((block) => block.reasoning).join('');

const model = make();
const settings = { temperature: 0.5, maxTokens: 50, logprobs: true, topLogprobs: 2 };
const whole = await make(settings).invoke([new SystemMessage('Be brief.'), new HumanMessage('Hi')]);
seen.answer = whole.text;
seen.usage = whole.usage_metadata.output_tokens;
seen.logprobs = whole.response_metadata.logprobs?.content.length ?? null;

const streamed = await join(model.stream('Hi'));
seen.stream = [streamed.text, streamed.usage_metadata.output_tokens];

// Its own setting, reasoning, is sent for models with names of OpenAI's alone.
const bound = make(isResponses ? { modelKwargs: { reasoning: { summary: 'detailed' } } } : {}).bindTools([{
  type: 'function', function: { name: 'get_weather', description: 'Looks.', parameters: schema },
}]);
const question = new HumanMessage('Rain?');
const called = await bound.invoke([question]);
const calledStreamed = await join(bound.stream([question]));
seen.tools = [called, calledStreamed].flatMap((message) => message.tool_calls.map((call) => [call.name, call.args]));
const result = new ToolMessage({ content: '12 °C', tool_call_id: called.tool_calls[0].id });
seen.answered = (await bound.invoke([question, called, result])).text;
seen.reasoning = [thoughtOf(called), thoughtOf(calledStreamed)];

seen.schema = await model.withStructuredOutput(schema, { method: 'jsonSchema' }).invoke('json');
seen.schemaByTool = await model.withStructuredOutput({ ...schema, title: 'get_weather' }, { method: 'functionCalling' }).invoke('Rain?');

seen.notFound = await faultOf(() => make({ model: 'other' }).invoke('Hi'));
seen.badRequest = await faultOf(() => make({ temperature: -1 }).invoke('Hi'));
seen.noKey = await faultOf(() => make({}, locked).invoke('Hi'));
seen.limited = await faultOf(async () => {
  for (let count = 0; count < 2; count++) await make({ apiKey: 'pk-one' }, locked).invoke('Hi');
});
const leaving = new AbortController();
seen.cancel = await faultOf(async () => {
  for await (const chunk of await model.stream('wait', { signal: leaving.signal })) if (chunk.text) leaving.abort();
});
console.log(JSON.stringify(seen));
