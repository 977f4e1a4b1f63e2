const transcript = document.getElementById("transcript");
const form = document.getElementById("ask");
const question = document.getElementById("question");
const button = form.querySelector("button");
const turns = [];

form.addEventListener("submit", async event => {
  event.preventDefault();
  const text = question.value.trim();
  if (!text)
    return;
  question.value = "";
  button.disabled = true;
  turns.push({ isUser: true, text });
  show("user", text);
  const place = show("model", "");
  try {
    await stream(place);
    turns.push({ isUser: false, text: place.textContent });
  } catch (error) {
    // A chat goes on from what was answered; the question may be asked again.
    turns.pop();
    question.value = text;
    place.classList.add("failed");
    place.textContent += ` (${error.message})`;
  } finally {
    button.disabled = false;
    question.focus();
  }
});

question.addEventListener("keydown", event => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    if (!button.disabled)
      form.requestSubmit();
  }
});

function show(side, text) {
  const place = document.createElement("p");
  place.className = side;
  place.textContent = text;
  transcript.append(place);
  place.scrollIntoView({ block: "end" });
  return place;
}

async function stream(place) {
  const answer = await fetch("api/chat", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(turns),
  });
  if (!answer.ok)
    throw new Error(await answer.text() || `status ${answer.status}`);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done)
      break;
    place.textContent += value;
    place.scrollIntoView({ block: "end" });
  }
  if (!place.textContent.trim())
    throw new Error("no answer");
}
