// What the line under an answer says of it, from the server's own figures.

/** Below this the clock says nothing about a rate. */
const decodeMsMin = 1;

/**
 * Tokens per second, or null where it is unknown. The first token comes out of the prompt's step, so the decode time is that of the
 * tokens after it.
 */
export function tokensPerSecond(usage, timings) {
  const after = usage?.completion_tokens - 1;
  const decodeMs = timings?.decode_ms;
  return after >= 1 && decodeMs >= decodeMsMin && Number.isFinite(decodeMs) ? after / (decodeMs / 1000) : null;
}

export function figuresOf(answer) {
  const { usage, timings } = answer;
  const parts = [];
  if (Number.isFinite(usage?.completion_tokens)) {
    parts.push(`${usage.completion_tokens} ${usage.completion_tokens === 1 ? "token" : "tokens"}`);
    const rate = tokensPerSecond(usage, timings);
    if (rate !== null)
      parts.push(`${rate.toFixed(1)} tokens/s`);
    const cached = usage.prompt_tokens_details?.cached_tokens;
    parts.push(`prompt ${usage.prompt_tokens} tokens${cached ? `, ${cached} cached` : ""}`);
  }
  if (answer.firstTextMs !== null)
    parts.push(`first text after ${(answer.firstTextMs / 1000).toFixed(2)} s`);
  if (answer.state === "stopped" && answer.text)
    parts.push("stopped");
  if (answer.reason === "length")
    parts.push("ended by the token limit");
  if (answer.note)
    parts.push(answer.note);
  return parts;
}
