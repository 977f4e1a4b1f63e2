// What the request says beyond the messages. A control that was not touched stays out of the request: the model's default applies.

const storageKey = "parley.settings";
const fields = { system: "system", temperature: "temperature", topP: "top-p", maxTokens: "max-tokens" };
const sliderStart = { temperature: 0.7, topP: 0.9 };

export function createSettings() {
  const values = load();
  const inputs = Object.fromEntries(Object.entries(fields).map(([name, id]) => [name, document.getElementById(id)]));

  const show = () => {
    for (const [name, input] of Object.entries(inputs)) {
      input.value = values[name] ?? sliderStart[name] ?? "";
      const output = document.getElementById(`${fields[name]}-value`);
      if (output)
        output.textContent = values[name] === undefined ? "model's default" : Number(values[name]).toFixed(2);
    }
  };

  for (const [name, input] of Object.entries(inputs)) {
    input.addEventListener("input", () => {
      if (input.value === "")
        delete values[name];
      else
        values[name] = input.value;
      save(values);
      // Rewriting a text field that is being typed in would move the caret.
      if (input.type === "range")
        show();
    });
  }

  document.getElementById("reset-settings").addEventListener("click", () => {
    for (const name of Object.keys(values))
      delete values[name];
    save(values);
    show();
  });
  show();

  return {
    /** The system message, or none. */
    systemMessages: () => values.system?.trim() ? [{ role: "system", content: values.system }] : [],
    /** The sampling fields that were set. */
    sampling: () => ({
      ...(values.temperature === undefined ? {} : { temperature: Number(values.temperature) }),
      ...(values.topP === undefined ? {} : { top_p: Number(values.topP) }),
      ...(values.maxTokens === undefined ? {} : { max_tokens: Number(values.maxTokens) }),
    }),
  };
}

function load() {
  try {
    return JSON.parse(localStorage.getItem(storageKey)) ?? {};
  } catch {
    return {};
  }
}

function save(values) {
  try {
    localStorage.setItem(storageKey, JSON.stringify(values));
  } catch {
    // A browser that keeps nothing still chats.
  }
}
