// Tools: what the reader offers to the model, and the calls that an answer holds. Nothing here knows the page.

const toolsMax = 64;

/** The tools a text stands for, or what is wrong with it. An empty text is no tools. */
export function readTools(text) {
  if (text.trim() === "")
    return { value: null, fault: "" };
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    return { value: null, fault: "Tools takes a JSON list." };
  }
  const tools = (Array.isArray(value) ? value : [value]).map((tool) => (tool?.function ? tool : { type: "function", function: tool }));
  if (tools.length === 0)
    return { value: null, fault: "" };
  if (tools.length > toolsMax || !tools.every((tool) => typeof tool.function?.name === "string"))
    return { value: null, fault: `Tools takes a list of at most ${toolsMax} functions, each with a name.` };
  return { value: tools, fault: "" };
}

/** Adds the news of an answer's calls to them. */
export function addCalls(calls, deltas) {
  for (const { index, function: news } of deltas ?? []) {
    const call = calls[index] ??= { name: "", arguments: "" };
    call.name += news?.name ?? "";
    call.arguments += news?.arguments ?? "";
  }
}

/** Arguments as a person reads them; what is no whole JSON stands as it is. */
export function argumentsOf({ arguments: text }) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** Calls out of storage, where anything may lie. */
export function readCalls(value) {
  return (Array.isArray(value) ? value : []).filter((call) => typeof call?.name === "string" && typeof call.arguments === "string")
    .map((call) => ({ name: call.name, arguments: call.arguments }));
}
