// What is shown of one turn: the question and its answer, two articles of the log.

import { figuresOf } from "./figures.js";
import { createRendering } from "./rendering.js";
import { argumentsOf } from "./tools.js";

const notSent = "Later questions are sent without this one.";

/** `actions` are what the buttons do: `regenerate`, `remove` and `resend` with the edited text; `copy` puts a text on the clipboard. */
export function createTurnView(turn, actions) {
  const question = articleOf("user", "You");
  const answer = articleOf("assistant", "Parley");
  const reasoning = element("details", "reasoning");
  const thoughts = element("p");
  const calls = element("div", "calls");
  const fault = element("p", "fault");
  const figures = element("span", "figures");
  const tools = element("span", "tools");
  let rendering = createRendering(answer.body);
  let frame = 0;

  question.body.textContent = turn.question;
  question.foot.append(tools);
  tools.append(
    button("Edit", () => edit(turn, question, actions), "Edit this question"),
    button("Delete", actions.remove, "Delete this question and its answer"));
  const copy = button("Copy", () => actions.copy(turn.answer.text, copy));
  const again = button("Regenerate", actions.regenerate);
  again.dataset.regenerate = "";
  fault.hidden = true;
  answer.article.insertBefore(fault, answer.foot);
  const summary = element("summary");
  summary.textContent = "Reasoning";
  reasoning.append(summary, thoughts);
  answer.article.insertBefore(reasoning, answer.body);
  answer.article.insertBefore(calls, fault);

  function draw() {
    frame = 0;
    reasoning.hidden = !turn.answer.reasoning;
    if (thoughts.textContent !== turn.answer.reasoning)
      thoughts.textContent = turn.answer.reasoning;
    rendering.show(turn.answer.text);
    drawCalls(calls, turn.answer.calls);
  }

  /** Shows the answer as it stands, at its beginning or at its end. */
  function update() {
    cancelAnimationFrame(frame);
    draw();
    const { state, text } = turn.answer;
    const running = state === "running";
    answer.article.classList.toggle("streaming", running);
    answer.article.classList.toggle("failed", state === "failed");
    fault.textContent = faultOf(turn.answer);
    fault.hidden = fault.textContent === "";
    figures.textContent = figuresOf(turn.answer).join(" · ");
    answer.foot.replaceChildren(...(running ? [] : [figures, ...(text ? [copy] : []), again]));
  }

  update();
  return {
    articles: [question.article, answer.article],
    update,
    /** At most once a frame, however fast the tokens come. */
    grow: () => { frame ||= requestAnimationFrame(draw); },
    /** Begins the answer anew. */
    restart() {
      rendering.dispose();
      answer.body.replaceChildren();
      rendering = createRendering(answer.body);
      update();
    },
    remove() {
      cancelAnimationFrame(frame);
      rendering.dispose();
      question.article.remove();
      answer.article.remove();
    },
  };
}

/** A call is folded like reasoning; what the reader has unfolded stays so while it grows. */
function drawCalls(list, calls) {
  while (list.children.length > calls.length)
    list.lastChild.remove();
  calls.forEach((call, index) => {
    let view = list.children[index];
    if (!view) {
      view = element("details", "call");
      view.append(element("summary"), element("pre"));
      list.append(view);
    }
    const [summary, text] = view.children;
    if (summary.textContent !== `Call of ${call.name}`)
      summary.textContent = `Call of ${call.name}`;
    const next = argumentsOf(call);
    if (text.textContent !== next)
      text.textContent = next;
  });
}

function faultOf({ state, text, calls, fault }) {
  if (state === "failed")
    return `${fault} ${notSent}`;
  if (fault)
    return fault;
  if (state === "stopped" && !text)
    return `Stopped before any text came. ${notSent}`;
  if (state === "complete" && !text && calls.length === 0)
    return "The model ended its answer without any text.";
  return "";
}

/** Puts a field in the question's place. */
function edit(turn, { article, body, foot }, actions) {
  if (actions.isBusy())
    return;
  const form = element("form", "edit");
  const field = element("textarea");
  field.value = turn.question;
  field.rows = Math.min(12, turn.question.split("\n").length + 1);
  field.setAttribute("aria-label", "Edit the question");
  const close = () => {
    form.replaceWith(body);
    foot.hidden = false;
  };
  const later = actions.later();
  const send = button(later > 0 ? `Send and drop what follows (${later})` : "Send", () => {});
  send.type = "submit";
  form.append(field, send, button("Cancel", close));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (text && actions.resend(text))
      close();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      close();
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.target === field) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  body.replaceWith(form);
  foot.hidden = true;
  article.scrollIntoView({ block: "nearest" });
  field.focus();
}

function articleOf(role, name) {
  const article = element("article", `message ${role}`);
  article.setAttribute("aria-label", name);
  const who = element("div", "who");
  who.textContent = name;
  const body = element("div", "body");
  const foot = element("div", "foot");
  article.append(...(role === "user" ? [body, foot] : [who, body, foot]));
  return { article, body, foot };
}

export function button(text, act, label = "") {
  const view = element("button", "small");
  view.type = "button";
  view.textContent = text;
  if (label)
    view.title = label;
  view.addEventListener("click", () => act(view));
  return view;
}

function element(name, className = "") {
  const view = document.createElement(name);
  view.className = className;
  return view;
}
