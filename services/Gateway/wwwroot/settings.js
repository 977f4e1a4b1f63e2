// The panel: what a request says beyond the messages. A control that was not touched stays out of it, and the model's default applies.

import { controls, defaultOf, readControl, readSampling, textOf } from "./sampling.js";
import { readTools } from "./tools.js";

const storageKey = "parley.settings";
const version = 2;

export function createSettings() {
  const settings = load();
  const system = document.getElementById("system");
  const tools = document.getElementById("tools");
  const toolsFault = document.getElementById("tools-fault");
  const views = controls.map((control) => createControlView(control, (text) => take(control, text)));
  let model = null;
  document.getElementById("sampling").append(...views.map(({ field }) => field));

  /** Keeps what was entered; returns the value that is sent, or undefined for the model's default. */
  function take(control, text) {
    const { value } = readControl(control, text);
    // A control that is moved back to where it stood was not changed.
    if (value === null || (model?.default_sampling && value === defaultOf(control, model).value))
      delete settings.sampling[control.name];
    else
      settings.sampling[control.name] = value;
    save(settings);
    return settings.sampling[control.name];
  }

  function judgeTools() {
    toolsFault.textContent = readTools(tools.value).fault;
    toolsFault.hidden = toolsFault.textContent === "";
    tools.setAttribute("aria-invalid", String(!toolsFault.hidden));
  }

  function show() {
    system.value = settings.system;
    tools.value = settings.tools;
    judgeTools();
    for (const view of views)
      view.show(settings.sampling[view.control.name], model, true);
  }

  system.addEventListener("input", () => {
    settings.system = system.value;
    save(settings);
  });
  tools.addEventListener("input", () => {
    settings.tools = tools.value;
    save(settings);
    judgeTools();
  });
  document.getElementById("reset-settings").addEventListener("click", () => {
    settings.system = "";
    settings.tools = "";
    settings.sampling = {};
    save(settings);
    show();
  });
  show();

  return {
    /** The system message, or none. */
    systemMessages: () => settings.system.trim() ? [{ role: "system", content: settings.system }] : [],
    /** The sampling fields that the reader changed. */
    sampling: () => ({ ...settings.sampling }),
    /** The tools that the reader offers, as the field of a request; nothing where there are none. */
    tools() {
      const { value } = readTools(settings.tools);
      return value ? { tools: value } : {};
    },
    /** Puts the untouched controls where the model's defaults are. */
    showModel(next) {
      model = next;
      for (const view of views)
        view.show(settings.sampling[view.control.name], model);
    },
    hasFault: () => views.some((view) => view.isFaulty()) || !toolsFault.hidden,
    /** Goes to the first control that holds what cannot be sent. */
    showFault() {
      const { field, input } = views.find((view) => view.isFaulty()) ?? { field: tools.parentElement, input: tools };
      input.focus({ preventScroll: true });
      field.scrollIntoView({ block: "nearest" });
    },
  };
}

/** `onInput` takes a text and returns the value that is sent from now on. */
function createControlView(control, onInput) {
  const field = element("div", "field");
  const line = element("div", "line");
  const label = element("label");
  const output = element("output");
  const input = element("input");
  const note = element("p", "note");
  const fault = element("p", "fault");
  label.htmlFor = input.id = control.id;
  label.textContent = control.label;
  output.id = `${control.id}-value`;
  output.htmlFor = control.id;
  note.id = `${control.id}-note`;
  note.textContent = control.note;
  fault.id = `${control.id}-fault`;
  fault.setAttribute("role", "alert");
  fault.hidden = true;
  input.type = control.kind;
  input.autocomplete = "off";
  input.setAttribute("aria-describedby", `${note.id} ${fault.id}`);
  if (control.kind === "range")
    Object.assign(input, { min: control.min, max: control.max, step: control.step });
  else
    Object.assign(input, { type: "text", inputMode: control.whole ? "numeric" : "decimal" });
  line.append(label, output);
  field.append(line, input, fault, note);

  let standing = { value: null, text: "" };
  const isRange = control.kind === "range";

  /** What is said beside the control; a number field says its default where its number will stand. */
  function tell(value) {
    output.textContent = isRange ? (value === undefined ? standing.text : textOf(value)) : "";
    if (isRange)
      input.setAttribute("aria-valuetext", output.textContent);
  }

  function judge() {
    fault.textContent = readControl(control, input.value).fault;
    fault.hidden = fault.textContent === "";
    input.setAttribute("aria-invalid", String(!fault.hidden));
  }

  input.addEventListener("input", () => {
    tell(onInput(input.value));
    judge();
  });

  return {
    control,
    field,
    input,
    isFaulty: () => !fault.hidden,
    /** `anew` replaces what is being typed, too. */
    show(value, model, anew = false) {
      standing = defaultOf(control, model);
      if (!isRange)
        input.placeholder = standing.text;
      if (anew || isRange) {
        input.value = value ?? (isRange ? standing.value ?? "" : "");
        judge();
      }
      tell(value);
    },
  };
}

function load() {
  const nothing = { system: "", tools: "", sampling: {} };
  try {
    const kept = JSON.parse(localStorage.getItem(storageKey));
    if (kept?.version === version)
      return { system: textIn(kept.system), tools: textIn(kept.tools), sampling: readSampling(kept.sampling) };
    // The first version kept the texts of its four fields.
    if (typeof kept?.system === "string" || kept?.temperature || kept?.topP || kept?.maxTokens)
      return {
        ...nothing,
        system: textIn(kept.system),
        sampling: readSampling({ temperature: kept.temperature, top_p: kept.topP, max_tokens: kept.maxTokens }),
      };
    return nothing;
  } catch {
    return nothing;
  }
}

function textIn(value) {
  return typeof value === "string" ? value : "";
}

function save({ system, tools, sampling }) {
  try {
    localStorage.setItem(storageKey, JSON.stringify({ version, system, tools, sampling }));
  } catch {
    // A browser that keeps nothing still chats; the conversation's note says that it keeps nothing.
  }
}

function element(name, className = "") {
  const view = document.createElement(name);
  view.className = className;
  return view;
}
