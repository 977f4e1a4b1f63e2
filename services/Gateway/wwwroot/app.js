import { servedModel, streamChat } from "./chat.js";
import { renderMarkdown } from "./markdown.js";
import { createSettings } from "./settings.js";

const $ = (id) => document.getElementById(id);
const log = $("log");
const scroller = $("scroller");
const prompt = $("prompt");
const settings = createSettings();
const examples = ["Hello! Who are you?", "What is a chat template?", "Explain temperature and top-p", "What is the KV cache for?"];

/** The conversation so far: what is sent, and what the page shows. */
let messages = [];
let running = null;
let model = "";

// ---- one turn ----

async function ask(text) {
  if (running)
    return;
  messages.push({ role: "user", content: text });
  showUser(text);
  await answer();
}

async function answer() {
  hideBanner();
  $("welcome").hidden = true;
  const controller = new AbortController();
  // A new chat may replace the conversation while this answer still ends.
  const conversation = messages;
  setRunning(controller);
  const view = showAssistant();
  const started = performance.now();
  const figures = { firstAt: 0, lastAt: 0, usage: null, reason: null, started };
  let text = "";
  try {
    const request = { model, messages: [...settings.systemMessages(), ...conversation], ...settings.sampling() };
    for await (const chunk of streamChat(request, controller.signal)) {
      figures.usage = chunk.usage ?? figures.usage;
      const choice = chunk.choices[0];
      figures.reason = choice?.finish_reason ?? figures.reason;
      if (!choice?.delta?.content)
        continue;
      figures.lastAt = performance.now();
      figures.firstAt ||= figures.lastAt;
      text += choice.delta.content;
      view.update(text);
    }
    figures.stopped = false;
  } catch (error) {
    figures.stopped = controller.signal.aborted || undefined;
    if (!figures.stopped)
      showBanner(error instanceof TypeError ? "The server cannot be reached." : error.message);
  } finally {
    if (text || figures.stopped === false)
      conversation.push({ role: "assistant", content: text });
    view.finish(text, figures);
    setRunning(null);
    prompt.focus();
  }
}

/** Asks the last question again. */
function regenerate() {
  if (running)
    return;
  while (messages.length > 0 && messages.at(-1).role === "assistant")
    messages.pop();
  while (log.lastElementChild?.classList.contains("assistant"))
    log.lastElementChild.remove();
  if (messages.length > 0)
    answer();
}

function newChat() {
  running?.abort();
  messages = [];
  log.replaceChildren();
  hideBanner();
  $("welcome").hidden = false;
  prompt.focus();
}

// ---- what is shown ----

function showUser(text) {
  const { article, body } = messageView("user", "You");
  body.textContent = text;
  log.append(article);
  scroller.scrollTop = scroller.scrollHeight;
}

function showAssistant() {
  for (const button of log.querySelectorAll("[data-regenerate]"))
    button.remove();
  const { article, body, foot } = messageView("assistant", "Parley");
  article.classList.add("streaming");
  log.append(article);
  log.setAttribute("aria-busy", "true");
  let shown = "";
  let frame = 0;
  const draw = () => {
    frame = 0;
    const follow = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
    renderMarkdown(body, shown);
    if (follow)
      scroller.scrollTop = scroller.scrollHeight;
  };
  draw();
  return {
    update(text) {
      shown = text;
      // At most once a frame, however fast the tokens come.
      frame ||= requestAnimationFrame(draw);
    },
    finish(text, figures) {
      cancelAnimationFrame(frame);
      if (!article.isConnected)
        return;
      shown = text;
      article.classList.remove("streaming");
      log.setAttribute("aria-busy", "false");
      if (!text && figures.stopped !== false) {
        article.remove();
        if (figures.stopped)
          return;
        foot.replaceChildren();
        return;
      }
      draw();
      foot.append(figuresView(figures), button("Copy", () => copy(text, foot)), regenerateButton());
      scroller.scrollTop = scroller.scrollHeight;
    },
  };
}

function messageView(role, name) {
  const article = document.createElement("article");
  article.className = `message ${role}`;
  article.setAttribute("aria-label", name);
  const who = document.createElement("div");
  who.className = "who";
  who.textContent = name;
  const body = document.createElement("div");
  body.className = "body";
  const foot = document.createElement("div");
  foot.className = "foot";
  article.append(...(role === "user" ? [body] : [who, body, foot]));
  return { article, body, foot };
}

function figuresView(figures) {
  const parts = [];
  const { usage } = figures;
  const seconds = (figures.lastAt - figures.firstAt) / 1000;
  if (usage) {
    parts.push(`${usage.completion_tokens} tokens`);
    if (seconds > 0 && usage.completion_tokens > 1)
      parts.push(`${((usage.completion_tokens - 1) / seconds).toFixed(1)} tokens/s`);
    const cached = usage.prompt_tokens_details?.cached_tokens;
    parts.push(`prompt ${usage.prompt_tokens} tokens${cached ? `, ${cached} cached` : ""}`);
  }
  if (figures.firstAt)
    parts.push(`first text after ${((figures.firstAt - figures.started) / 1000).toFixed(2)} s`);
  if (figures.stopped)
    parts.push("stopped");
  if (figures.stopped === undefined)
    parts.push("interrupted");
  if (figures.reason === "length")
    parts.push("ended by the token limit");
  const view = document.createElement("span");
  view.className = "figures";
  view.textContent = parts.join(" · ");
  return view;
}

function button(text, act) {
  const view = document.createElement("button");
  view.type = "button";
  view.className = "small";
  view.textContent = text;
  view.addEventListener("click", () => act(view));
  return view;
}

function regenerateButton() {
  const view = button("Regenerate", regenerate);
  view.dataset.regenerate = "";
  return view;
}

async function copy(text, near) {
  const view = near.matches?.("button") ? near : near.querySelector("button");
  try {
    await navigator.clipboard.writeText(text);
    view.textContent = "Copied";
  } catch {
    view.textContent = "Not allowed";
  }
  setTimeout(() => { view.textContent = "Copy"; }, 1500);
}

function showBanner(text) {
  $("banner-text").textContent = text;
  $("banner").hidden = false;
}

function hideBanner() {
  $("banner").hidden = true;
}

function setRunning(controller) {
  running = controller;
  $("send").hidden = controller !== null;
  $("stop").hidden = controller === null;
  fitPrompt();
}

function fitPrompt() {
  prompt.style.height = "auto";
  prompt.style.height = `${prompt.scrollHeight}px`;
  $("send").disabled = prompt.value.trim() === "";
}

async function connect() {
  try {
    const served = await servedModel();
    model = served.id;
    $("model").textContent = model;
    $("model").title = [served.precision, served.device, `context ${served.max_model_len} tokens`].filter(Boolean).join(" · ");
    prompt.placeholder = `Message ${model}`;
    hideBanner();
    return true;
  } catch (error) {
    $("model").textContent = "not connected";
    showBanner(error instanceof TypeError ? "The server cannot be reached." : error.message);
    return false;
  }
}

// ---- wiring ----

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = prompt.value.trim();
  if (!text || running)
    return;
  prompt.value = "";
  ask(text);
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
  if (event.key === "Escape")
    running?.abort();
});
$("stop").addEventListener("click", () => running?.abort());
$("new-chat").addEventListener("click", newChat);
$("banner-close").addEventListener("click", hideBanner);
$("banner-retry").addEventListener("click", async () => {
  if (await connect() && messages.length > 0)
    regenerate();
});
$("toggle-settings").addEventListener("click", () => {
  const open = $("settings").hidden;
  $("settings").hidden = !open;
  $("toggle-settings").setAttribute("aria-expanded", String(open));
});
log.addEventListener("click", (event) => {
  const source = event.target.closest("[data-copy]");
  if (source)
    copy(source.closest(".code").querySelector("code").textContent, source);
});
for (const text of examples) {
  const chip = button(text, () => ask(text));
  chip.className = "chip";
  $("examples").append(chip);
}
fitPrompt();
prompt.focus();
connect();
