// Whether the server is there, and what it serves: asked for at the start, in intervals, and when there is reason to doubt it.

import { servedModel } from "./chat.js";

const intervalMs = 5_000;
const retryMs = 2_000;
const answerMsMax = 10_000;

/** `onChange` is told the state: `model` is null while none answers, and `fault` says why; `needsKey` where a key would help. */
export function createConnection(onChange) {
  let state = { model: null, fault: "" };
  let asking = null;
  let timer = 0;

  async function ask() {
    clearTimeout(timer);
    try {
      state = { model: await servedModel(AbortSignal.timeout(answerMsMax)), fault: "", unreachable: false };
    } catch (error) {
      const late = error.name === "TimeoutError";
      state = { model: null, fault: late ? "The server does not answer." : error.message, unreachable: late || error.unreachable === true };
      state.needsKey = error.code === "invalid_api_key";
    }
    // Without another key the answer stays the same.
    if (!state.needsKey)
      timer = setTimeout(checkIfSeen, state.model ? intervalMs : retryMs);
    onChange(state);
    return state;
  }

  function check() {
    asking ??= ask().finally(() => { asking = null; });
    return asking;
  }

  /** A page that nobody looks at asks nothing; it asks when it is looked at again. */
  function checkIfSeen() {
    if (!document.hidden)
      check();
  }

  document.addEventListener("visibilitychange", checkIfSeen);
  for (const name of ["focus", "online", "offline"])
    window.addEventListener(name, checkIfSeen);
  return {
    check,
    get model() {
      return state.model;
    },
  };
}
