import { streamChat, useKey } from "./chat.js";
import { createConnection } from "./connection.js";
import { createAnswer, createTurn, messagesFor } from "./conversation.js";
import { createKeyStore, readKey } from "./key.js";
import { nameControls, variedSampling } from "./sampling.js";
import { createSettings } from "./settings.js";
import { createConversationStore } from "./storage.js";
import { addCalls } from "./tools.js";
import { createTranscript } from "./transcript.js";
import { button } from "./turn.js";

const $ = (id) => document.getElementById(id);
const prompt = $("prompt");
const examples = ["Hello! Who are you?", "What is a chat template?", "Explain temperature and top-p", "What is the KV cache for?"];

/** How often an answer that grows is kept. */
const saveIntervalMs = 1000;

const settings = createSettings();
const connection = createConnection(showConnection);
const store = createConversationStore({ local: () => localStorage, session: () => sessionStorage, newId });
const keys = createKeyStore({ session: () => sessionStorage });
const transcript = createTranscript($("log"), $("scroller"), (turn) => ({
  regenerate: () => regenerate(turn),
  remove: () => remove(turn),
  resend: (text) => resend(turn, text),
  later: () => turns.length - 1 - turns.indexOf(turn),
  isBusy: () => running !== null,
  copy,
}));

let turns = [];
let running = null;
let saveTimer = 0;

// ---- turns ----

function ask(text) {
  if (!canAsk())
    return false;
  const turn = createTurn(text);
  turns.push(turn);
  answer(turn);
  return true;
}

/** Asks the turn's question again. Only another answer is varied: what failed was never answered. */
function regenerate(turn) {
  if (!canAsk())
    return;
  const varied = turn.answer.text ? variedSampling(connection.model, settings.sampling()) : null;
  answer(turn, varied ?? {});
}

function resend(turn, text) {
  if (!canAsk())
    return false;
  const next = createTurn(text);
  turns.splice(turns.indexOf(turn), turns.length, next);
  answer(next);
  return true;
}

function remove(turn) {
  if (running)
    return;
  turns.splice(turns.indexOf(turn), 1);
  show();
  save();
  prompt.focus();
}

/** Nothing is asked while an answer runs or while a control holds what cannot be sent. */
function canAsk() {
  if (running)
    return false;
  if (!settings.hasFault())
    return true;
  openSettings(true);
  settings.showFault();
  return false;
}

async function answer(turn, { sampling = settings.sampling(), note = "" } = {}) {
  const controller = new AbortController();
  // A new chat may replace the conversation while this answer still ends.
  const conversation = turns;
  const started = performance.now();
  const before = turn.answer;
  turn.answer = { ...createAnswer(), note };
  setRunning(controller);
  show();
  const view = transcript.viewOf(turn);
  view.restart();
  transcript.follow();
  save();
  try {
    const model = connection.model ? { model: connection.model.id } : {};
    const messages = [...settings.systemMessages(), ...messagesFor(turns, turn)];
    for await (const chunk of streamChat({ ...model, messages, ...settings.tools(), ...sampling }, controller.signal))
      take(turn.answer, chunk, view, started);
    turn.answer.state = "complete";
  } catch (error) {
    end(turn.answer, error, controller.signal.aborted);
    if (!turn.answer.text && turn.answer.calls.length === 0 && before.text)
      turn.answer = { ...before, fault: `${turn.answer.fault || "Stopped before any new text came."} This is the answer before.` };
  }
  view.update();
  setRunning(null);
  if (conversation === turns)
    save();
  // The focus stays where the reader has put it, and taking it would take a selection away.
  if ([document.body, $("stop"), null].includes(document.activeElement) && document.getSelection().isCollapsed)
    prompt.focus({ preventScroll: true });
}

function take(answer, chunk, view, started) {
  answer.usage = chunk.usage ?? answer.usage;
  answer.timings = chunk.timings ?? answer.timings;
  const choice = chunk.choices?.[0];
  answer.reason = choice?.finish_reason ?? answer.reason;
  const { content, reasoning_content: reasoning, tool_calls: calls } = choice?.delta ?? {};
  if (!content && !reasoning && !calls)
    return;
  answer.firstTextMs ??= performance.now() - started;
  answer.reasoning += reasoning ?? "";
  answer.text += content ?? "";
  addCalls(answer.calls, calls);
  view.grow();
  saveTimer ||= setTimeout(save, saveIntervalMs);
}

function end(answer, error, wasStopped) {
  answer.state = wasStopped ? "stopped" : "failed";
  if (wasStopped)
    return;
  answer.fault = error.code === "context_length_exceeded"
    ? `Too long for this model: ${error.message} Shorten the question, delete earlier ones or start a new chat.`
    : nameControls(error.message);
  if (error.unreachable || error.code === "model_not_found" || error.code === "invalid_api_key")
    connection.check();
}

function newChat() {
  running?.abort();
  turns = [];
  store.clear();
  showNote("");
  clearTimeout(saveTimer);
  saveTimer = 0;
  show();
  prompt.focus();
}

// ---- what the browser keeps ----

function save() {
  clearTimeout(saveTimer);
  saveTimer = 0;
  showNote(store.save(turns));
}

function load() {
  const kept = store.load();
  turns = kept.turns;
  showNote(kept.note);
  show();
}

/** crypto.randomUUID is for secure pages only, and a page in the local network is none. */
function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// ---- what is shown ----

function show() {
  $("welcome").hidden = turns.length > 0;
  transcript.show(turns);
}

function showNote(text) {
  $("note").textContent = text;
  $("note").hidden = text === "";
}

function showConnection({ model, fault, unreachable, needsKey }) {
  const badge = $("model");
  badge.classList.toggle("gone", model === null);
  badge.textContent = model ? model.id : needsKey ? "key needed" : unreachable ? "server not reachable" : "server not ready";
  badge.title = model ? [model.precision, model.device, `context ${model.max_model_len} tokens`].filter(Boolean).join(" · ") : fault;
  prompt.placeholder = model ? `Message ${model.id}` : "Message the model";
  if (model)
    settings.showModel(model);
  showKeyForm(needsKey === true, keys.load() ? fault : "");
  if (needsKey)
    fault = "";
  // A banner that was dismissed does not come back for the same reason.
  if ($("banner-text").textContent !== fault) {
    $("banner-text").textContent = fault;
    $("banner").hidden = fault === "";
  }
}

/** Asks for the server's key; `fault` says what is wrong with the one that was given. */
function showKeyForm(shown, fault) {
  const form = $("key-form");
  const appears = shown && form.hidden;
  form.hidden = !shown;
  $("key-fault").textContent = shown ? fault : "";
  if (appears)
    $("key").focus();
}

async function takeKey() {
  const { key, fault } = readKey($("key").value);
  $("key-fault").textContent = fault;
  if (!key)
    return;
  keys.save(key);
  useKey(key);
  if ((await connection.check()).model === null)
    return;
  $("key").value = "";
  prompt.focus();
}

function setRunning(controller) {
  running = controller;
  $("send").hidden = controller !== null;
  $("stop").hidden = controller === null;
  transcript.setBusy(controller !== null);
  fitPrompt();
}

function fitPrompt() {
  prompt.style.height = "auto";
  prompt.style.height = `${prompt.scrollHeight}px`;
  $("send").disabled = prompt.value.trim() === "";
}

function openSettings(open) {
  $("settings").hidden = !open;
  $("toggle-settings").setAttribute("aria-expanded", String(open));
}

async function copy(text, view) {
  try {
    await navigator.clipboard.writeText(text);
    view.textContent = "Copied";
  } catch {
    view.textContent = "Not allowed";
  }
  setTimeout(() => { view.textContent = "Copy"; }, 1500);
}

// ---- wiring ----

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = prompt.value.trim();
  if (!text || !ask(text))
    return;
  prompt.value = "";
  fitPrompt();
});
prompt.addEventListener("input", fitPrompt);
prompt.addEventListener("keydown", (event) => {
  // Enter that picks a word of an input method is not ours.
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $("composer").requestSubmit();
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape")
    return;
  if ($("settings").contains(document.activeElement) || (!running && !$("settings").hidden)) {
    openSettings(false);
    $("toggle-settings").focus();
  } else {
    running?.abort();
  }
});
$("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  takeKey();
});
$("stop").addEventListener("click", () => running?.abort());
$("new-chat").addEventListener("click", newChat);
$("banner-close").addEventListener("click", () => { $("banner").hidden = true; });
$("banner-retry").addEventListener("click", connection.check);
$("toggle-settings").addEventListener("click", () => openSettings($("settings").hidden));
$("close-settings").addEventListener("click", () => {
  openSettings(false);
  $("toggle-settings").focus();
});
$("log").addEventListener("click", (event) => {
  const source = event.target.closest("[data-copy]");
  if (source)
    copy(source.closest(".code").querySelector("code").textContent, source);
});
window.addEventListener("pagehide", () => {
  // Else the answer would be kept as one that the server had failed.
  running?.abort();
  if (turns.length > 0)
    save();
});
window.addEventListener("storage", (event) => {
  // Another tab goes on with this conversation.
  const isReading = document.querySelector(".edit") || !document.getSelection().isCollapsed;
  if (!running && !isReading && event.newValue !== null && store.isCurrent(event.key))
    load();
});
for (const text of examples) {
  const chip = button(text, () => ask(text));
  chip.className = "chip";
  $("examples").append(chip);
}
useKey(keys.load());
load();
transcript.follow();
fitPrompt();
prompt.focus();
connection.check();
