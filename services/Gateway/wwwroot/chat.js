// The wire: POST /v1/chat/completions, an event stream back.

/** Why a request failed, as a sentence for the reader, with the server's code and field where it gave them. */
export class ChatFault extends Error {
  constructor(message, { code = null, param = null, unreachable = false } = {}) {
    super(message);
    this.code = code;
    this.param = param;
    this.unreachable = unreachable;
  }
}

let key = "";

/** The key that every request carries from now on; none where it is empty. */
export function useKey(next) {
  key = next;
}

/** Streams one answer. Yields the parsed chunks; throws a ChatFault, or an AbortError once the signal is given. */
export async function* streamChat(request, signal) {
  const response = await reach("/v1/chat/completions", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ...request, stream: true, stream_options: { include_usage: true } }),
    signal,
  });
  let finished = false;
  for await (const data of eventsOf(response.body)) {
    if (data === "[DONE]")
      return;
    const chunk = parse(data);
    if (chunk.error)
      throw faultOf(chunk.error);
    finished ||= Boolean(chunk.choices?.[0]?.finish_reason);
    yield chunk;
  }
  if (!finished)
    throw new ChatFault("The connection closed before the answer was complete.", { unreachable: true });
}

/** What the server says of the model it serves. */
export async function servedModel(signal) {
  const response = await reach("/v1/models", { signal });
  const model = (await response.json().catch(() => null))?.data?.[0];
  if (typeof model?.id !== "string")
    throw new ChatFault("The server names no model.");
  return model;
}

async function reach(path, options) {
  let response;
  try {
    response = await fetch(path, key ? { ...options, headers: { ...options.headers, Authorization: `Bearer ${key}` } } : options);
  } catch (error) {
    if (error instanceof TypeError)
      throw new ChatFault("The server cannot be reached.", { unreachable: true });
    throw error;
  }
  if (response.ok)
    return response;
  const error = (await response.json().catch(() => null))?.error;
  throw error ? faultOf(error) : new ChatFault(`The server answered ${response.status} ${response.statusText}.`);
}

/**
 * The data of each event. Read without a stream in between, for what a stream still holds is lost once the connection breaks: the
 * error event that says why, for one.
 */
async function* eventsOf(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let buffer = "";
  try {
    while (true) {
      const { value, done } = await reader.read();
      if (done)
        return;
      buffer += decoder.decode(value, { stream: true });
      const events = buffer.split(/\r?\n\r?\n/);
      buffer = events.pop();
      for (const event of events) {
        // A line that begins with a colon only keeps the connection alive.
        const data = event.split(/\r?\n/).filter((line) => line.startsWith("data:")).map((line) => line.slice(5).replace(/^ /, ""));
        if (data.length > 0)
          yield data.join("\n");
      }
    }
  } catch (error) {
    if (error instanceof TypeError)
      throw new ChatFault("The connection broke before the answer was complete.", { unreachable: true });
    throw error;
  } finally {
    reader.cancel().catch(() => {});
  }
}

function parse(data) {
  try {
    return JSON.parse(data);
  } catch {
    throw new ChatFault("The server sent something that is no part of an answer.");
  }
}

function faultOf(error) {
  const message = error.message || "The server failed without saying why.";
  return new ChatFault(/[.!?]$/.test(message) ? message : `${message}.`, { code: error.code, param: error.param });
}
