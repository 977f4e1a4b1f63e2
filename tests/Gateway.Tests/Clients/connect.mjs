// What Connect's client sees of the Gateway's gRPC-Web, in node and in a browser; the test compares what is printed or returned.
import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createGrpcWebTransport } from '@connectrpc/connect-web';

const ask = (content, more = {}) => ({ chat: { messages: [{ role: 'user', content }] }, ...more });
const tool = {
  type: 'function', function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
};

const read = async (stream) => {
  const found = { events: [], text: '', reasoning: '', calls: [], logprobs: 0 };
  for await (const { event } of stream) {
    const { case: kind, value } = event;
    if (kind !== 'progress' && kind !== found.events.at(-1)) found.events.push(kind);
    if (kind === 'delta') {
      found.text += value.text;
      found.reasoning += value.reasoning;
      found.logprobs += value.logprobs.length;
      for (const call of value.toolCalls) {
        found.calls[call.index] ??= [call.name, ''];
        found.calls[call.index][1] += call.arguments;
      }
    } else if (kind === 'choiceFinished') {
      found.seed = String(value.seed);
    } else if (kind === 'completed') {
      found.usage = [value.usage.promptTokens, value.usage.completionTokens];
    } else if (kind === 'failed') {
      found.failed = [value.code, value.message, value.retryable];
    }
  }
  return found;
};

/** @param descriptors A FileDescriptorSet: this client needs no generated code. */
export const look = async (open, locked, descriptors) => {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors));
  const connect = (baseUrl, key) => createClient(registry.getService('parley.gateway.v1.ChatCompletion'), createGrpcWebTransport({
    baseUrl,
    interceptors: key ? [(next) => (request) => {
      request.header.set('authorization', `Bearer ${key}`);
      return next(request);
    }] : [],
  }));
  const client = connect(open);
  const faultOf = async (call) => {
    try {
      await call();
      return 'none';
    } catch (error) {
      const fault = ConnectError.from(error);
      const fields = fault.findDetails(registry.getMessage('google.rpc.BadRequest'))
        .flatMap((one) => one.fieldViolations.map((violation) => `${violation.field} ${violation.description}`));
      return [Code[fault.code], fields, fault.findDetails(registry.getMessage('google.rpc.RetryInfo')).length];
    }
  };
  const seen = {};

  const inspected = await client.inspect({ request: ask('Hi'), candidates: 1 });
  seen.answer = [inspected.rendered, inspected.prompt.length, inspected.text, inspected.traces.length];
  const streamed = await read(client.complete(ask('Hi', { sampling: { seed: 2n ** 64n - 1n, logprobs: true } })));
  seen.stream = [streamed.events, streamed.text, streamed.seed];
  seen.usage = streamed.usage;
  seen.logprobs = streamed.logprobs;
  const weather = { chat: { messages: [{ role: 'user', content: 'Rain?' }], toolsJson: [JSON.stringify(tool)] } };
  const called = await read(client.complete(weather));
  seen.tools = called.calls;
  seen.reasoning = called.reasoning;
  const guide = { constraint: { case: 'jsonSchema', value: '{"type":"object"}' } };
  seen.schema = JSON.parse((await read(client.complete(ask('json', { sampling: { guide } })))).text);

  seen.broken = (await read(client.complete(ask('fail')))).failed;
  seen.invalid = await faultOf(() => read(client.complete(ask('Hi', { sampling: { temperature: -1, topP: 7 } }))));
  seen.invalidUnary = await faultOf(() => client.inspect({ request: ask('Hi', { sampling: { temperature: -1 } }) }));
  seen.notFound = await faultOf(() => read(client.complete(ask('Hi', { model: 'other' }))));
  seen.noKey = await faultOf(() => read(connect(locked, 'other').complete(ask('Hi'))));
  seen.limited = await faultOf(async () => {
    for (let count = 0; count < 2; count++) await read(connect(locked, 'pk-one').complete(ask('Hi')));
  });
  const leaving = new AbortController();
  seen.cancel = await faultOf(async () => {
    for await (const { event } of client.complete(ask('wait'), { signal: leaving.signal })) if (event.case === 'delta') leaving.abort();
  });
  return seen;
};

if (globalThis.process) {
  const { readFileSync } = await import('node:fs');
  const [open, locked, descriptors] = process.argv.slice(2);
  console.log(JSON.stringify(await look(open, locked, readFileSync(descriptors))));
}
