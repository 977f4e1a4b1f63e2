// The controls of sampling: what each is called, takes and stands at. Nothing here knows the page.

/** `name` is the request's field, `off` the value that does nothing. */
export const controls = [
  {
    name: "temperature", id: "temperature", label: "Temperature", kind: "range", min: 0, max: 2, step: 0.01, off: 1,
    note: "0 always takes the likeliest token; higher values vary more.",
  },
  {
    name: "top_p", id: "top-p", label: "Top-p", kind: "range", min: 0.01, max: 1, step: 0.01, off: 1,
    note: "Draws from the likeliest tokens that together have this probability.",
  },
  {
    name: "top_k", id: "top-k", label: "Top-k", kind: "number", whole: true, min: 0, max: 4294967295, step: 1, off: 0,
    note: "Draws from this many of the likeliest tokens; 0 from all.",
  },
  {
    name: "min_p", id: "min-p", label: "Min-p", kind: "range", min: 0, max: 1, step: 0.01, off: 0,
    note: "Leaves out tokens below this share of the likeliest one's probability.",
  },
  {
    name: "repetition_penalty", id: "repetition-penalty", label: "Repetition penalty", kind: "number", min: 0.01, max: 100, step: 0.01,
    off: 1, note: "Above 1, what was said already becomes less likely.",
  },
  {
    name: "max_tokens", id: "max-tokens", label: "Longest answer", kind: "number", whole: true, min: 1, max: 4294967295, step: 1,
    unset: "the model's limit", note: "In tokens.",
  },
];

const labels = new Map([...controls.map(({ name, label }) => [name, label]), ["max_completion_tokens", "Longest answer"]]);

/** What a model that the server says nothing about stands at. */
const unknown = { default_sampling: null, varied_sampling: null };

/** The value a text stands for, or what is wrong with it in the words of the page. An empty text is no value. */
export function readControl(control, text) {
  if (String(text).trim() === "")
    return { value: null, fault: "" };
  const value = Number(text);
  if (Number.isFinite(value) && value >= control.min && value <= control.max && (!control.whole || Number.isInteger(value)))
    return { value, fault: "" };
  return { value: null, fault: faultOf(control) };
}

/** What a control says to a value that it does not take. */
export function faultOf({ label, whole, min, max }) {
  const numbers = whole ? "whole numbers" : "numbers";
  return `${label} takes ${numbers} from ${min}${max > 1e6 ? "" : ` to ${max}`}.`;
}

/** Where a control stands that nobody moved, and what is said beside it. */
export function defaultOf(control, model = unknown) {
  const sampling = model?.default_sampling;
  const value = numberOf(sampling?.[control.name]);
  if (!sampling)
    return { value: control.off ?? null, text: "model's default" };
  if (value === null)
    return { value: control.off ?? null, text: `${control.unset ?? "off"} (model's default)` };
  return { value, text: `${textOf(value)} (model's default)` };
}

export function textOf(value) {
  return String(Number(value.toFixed(4)));
}

/** The values that can be sent; what storage holds beyond them is dropped. */
export function readSampling(values) {
  return Object.fromEntries(controls.map((control) => [control.name, readControl(control, values?.[control.name] ?? "").value])
    .filter(([, value]) => value !== null));
}

/**
 * What a second answer to the same question is drawn with where the model's own defaults would give the first one again: the model's
 * varied sampling under what the reader changed. Null where the defaults or the reader's own temperature stand.
 */
export function variedSampling(model, changed) {
  const varied = model?.varied_sampling;
  if (numberOf(model?.default_sampling?.temperature) !== 0 || !varied || "temperature" in changed)
    return null;
  const numbers = Object.entries(varied).filter(([, value]) => numberOf(value) !== null);
  const sampling = { ...Object.fromEntries(numbers), ...changed };
  const named = controls.filter(({ name }) => name in sampling && name !== "max_tokens" && !isOff(name, sampling[name]))
    .map(({ name, label }) => `${label.toLowerCase()} ${textOf(sampling[name])}`);
  return { sampling, note: `varied on purpose (${named.join(", ")}): this model's defaults always give the same answer` };
}

/** A server's message with the page's names for the fields. */
export function nameControls(message) {
  return message.replace(/\b[a-z]+(?:_[a-z]+)+\b|\btemperature\b/g, (name) => labels.get(name) ?? name);
}

function isOff(name, value) {
  return controls.find((control) => control.name === name).off === value && name !== "temperature";
}

function numberOf(value) {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}
