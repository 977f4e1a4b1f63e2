// The wire: POST /v1/chat/completions, an event stream back.

/** Streams one answer. Yields the parsed chunks; throws an Error with the server's own message. */
export async function* streamChat(request, signal) {
  const response = await fetch("/v1/chat/completions", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ...request, stream: true, stream_options: { include_usage: true } }),
    signal,
  });
  if (!response.ok)
    throw new Error(await errorOf(response));
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  let done = false;
  while (true) {
    const { value, done: closed } = await reader.read();
    if (closed)
      break;
    buffer += value;
    const events = buffer.split("\n\n");
    buffer = events.pop();
    for (const event of events) {
      // A line that begins with a colon only keeps the connection alive.
      if (!event.startsWith("data: "))
        continue;
      const data = event.slice("data: ".length);
      if (data === "[DONE]") {
        done = true;
        continue;
      }
      const chunk = JSON.parse(data);
      if (chunk.error)
        throw new Error(chunk.error.message);
      yield chunk;
    }
  }
  if (!done)
    throw new Error("The connection closed before the answer was complete.");
}

/** The name of the served model. */
export async function servedModel() {
  const response = await fetch("/v1/models");
  if (!response.ok)
    throw new Error(await errorOf(response));
  const models = await response.json();
  return models.data[0];
}

async function errorOf(response) {
  try {
    return (await response.json()).error.message;
  } catch {
    return `The server answered ${response.status} ${response.statusText}.`;
  }
}
