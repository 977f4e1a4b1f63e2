// The reference page: the server's own description, drawn. Nothing is asked for but openapi.json of this server.

import { curlOf, fieldsOf, formsOf, nameOf, partsOf } from "./schemas.js";

const $ = (id) => document.getElementById(id);
const depthMax = 4;

let components = {};

// ---- small nodes ----

function node(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className)
    made.className = className;
  made.append(...children);
  return made;
}

/** Text in which `code` is marked by backticks. */
function spoken(text) {
  return text.split("`").map((part, index) => (index % 2 === 1 ? node("code", "", part) : part));
}

function link(text, target) {
  const made = node("a", "", text);
  made.href = target;
  return made;
}

function method(name) {
  return node("span", "method", name);
}

// ---- schemas ----

function typeLine(schema) {
  return partsOf(schema).map((part) => (part.ref ? link(part.ref, `#schema-${part.ref}`) : part));
}

function fieldList(fields, depth) {
  const list = node("dl", "fields");
  for (const field of fields) {
    const name = node("dt", "", field.name);
    if (field.needed)
      name.append(" ", node("span", "needed", "needed"));
    const row = node("div", "", name, node("dd", "type", ...typeLine(field.schema)), node("dd", "text", ...spoken(field.text)));
    const inner = fieldsOf(field.schema);
    if (inner.length > 0 && depth < depthMax) {
      const more = node("details", "inner", node("summary", "", `fields of ${field.name}`));
      more.append(fieldList(inner, depth + 1));
      row.append(more);
    }
    list.append(row);
  }
  return list;
}

/** The fields of a component; what other servers have beside them is shown apart. */
function shape(schema) {
  const forms = formsOf(schema);
  if (forms.length > 1)
    return forms.map((form) => node("div", "", fieldList(fieldsOf(form), 1)));
  const fields = fieldsOf(schema);
  if (fields.length === 0)
    return [node("p", "", ...typeLine(schema))];
  const others = fields.filter((field) => field.other);
  const shown = [fieldList(fields.filter((field) => !field.other), 1)];
  if (others.length > 0) {
    const more = node("details", "", node("summary", "", `${others.length} names and fields of other servers`));
    more.append(fieldList(others, 1));
    shown.push(more);
  }
  return shown;
}

// ---- operations ----

function requestPart(operation) {
  const body = operation.requestBody?.content["application/json"];
  if (!body)
    return [];
  const name = nameOf(body.schema);
  const details = node("details", "", node("summary", "", "Fields of the body"), ...shape(components.schemas[name]));
  return [node("h4", "", "Body: ", link(name, `#schema-${name}`)), details];
}

function parameterPart(operation) {
  const fields = (operation.parameters ?? []).map((one) => (
    { name: one.name, schema: one.schema, text: `In the ${one.in}. ${one.description}`, needed: one.required }));
  return fields.length === 0 ? [] : [node("h4", "", "Parameters"), fieldList(fields, 1)];
}

function answerPart(operation) {
  const list = node("dl", "fields");
  for (const [status, answer] of Object.entries(operation.responses)) {
    const told = answer.$ref ? components.responses[nameOf(answer)] : answer;
    for (const [type, media] of Object.entries(told.content)) {
      const item = media["x-item-schema"];
      const kind = item ? ["stream of ", ...typeLine(item)] : typeLine(media.schema);
      list.append(node("div", "", node("dt", "", `${status} `, node("span", "open", type)), node("dd", "type", ...kind),
        node("dd", "text", ...spoken(item ? media.schema.description : told.description))));
    }
  }
  const summary = node("summary", "", `Answers: ${Object.keys(operation.responses).join(", ")}`);
  return [node("details", "", summary, list)];
}

function curlPart(name, path, operation) {
  const text = curlOf(name, path, operation, location.origin);
  const copy = node("button", "small", "Copy");
  copy.type = "button";
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      copy.textContent = "Copied";
    } catch {
      copy.textContent = "Not allowed here";
    }
  });
  return node("div", "code", node("div", "title", "curl", copy), node("pre", "", text));
}

function drawOperation(name, path, operation) {
  const title = node("h3", "", method(name), path);
  if (operation.security?.length === 0)
    title.append(node("span", "open", "open to everyone"));
  const article = node("article", "operation", title, node("p", "", ...spoken(operation.summary)));
  article.id = operation.operationId;
  if (operation.description)
    article.append(node("p", "", ...spoken(operation.description)));
  article.append(...parameterPart(operation), ...requestPart(operation), ...answerPart(operation), curlPart(name, path, operation));
  return article;
}

function drawGroup(tag, operations) {
  const entries = operations.map(([path, name, operation]) => {
    const entry = node("li", "", link("", `#${operation.operationId}`));
    entry.firstChild.append(method(name), path);
    return entry;
  });
  $("contents").append(node("section", "", node("h2", "", tag.name), node("ul", "", ...entries)));
  const articles = operations.map(([path, name, operation]) => drawOperation(name, path, operation));
  $("operations").append(node("section", "group", node("h2", "", tag.name), node("p", "", ...spoken(tag.description)), ...articles));
}

function drawSchemas() {
  $("schemas").append(node("h2", "", "Schemas"));
  for (const [name, schema] of Object.entries(components.schemas)) {
    const details = node("details", "", node("summary", "", "Fields"), ...shape(schema));
    const article = node("article", "schema", node("h3", "", name), details);
    article.id = `schema-${name}`;
    $("schemas").append(article);
  }
}

// ---- the page ----

/** Leaves what holds the text, in a route, a sentence or the name of a field. */
function filter() {
  const wanted = $("filter").value.trim().toLowerCase();
  let found = 0;
  for (const article of document.querySelectorAll(".operation, .schema")) {
    const isShown = article.textContent.toLowerCase().includes(wanted);
    article.hidden = !isShown;
    if (article.matches(".operation")) {
      found += isShown ? 1 : 0;
      document.querySelector(`#contents a[href="#${article.id}"]`).parentElement.hidden = !isShown;
    }
  }
  for (const section of document.querySelectorAll(".group, #contents section"))
    section.hidden = section.querySelector(".operation:not([hidden]), li:not([hidden])") === null;
  $("found").textContent = wanted === "" ? "" : `${found} ${found === 1 ? "route" : "routes"}`;
}

/** Opens what the address names, which may be closed or filtered away. */
function show() {
  const target = location.hash.length > 1 ? $(decodeURIComponent(location.hash.slice(1))) : null;
  if (!target)
    return;
  if (target.hidden) {
    $("filter").value = "";
    filter();
  }
  const details = target.matches(".schema") ? target.querySelector("details") : null;
  if (details)
    details.open = true;
  target.scrollIntoView();
}

async function start() {
  const answer = await fetch("openapi.json");
  if (!answer.ok)
    throw new Error(`openapi.json: ${answer.status}`);
  const api = await answer.json();
  components = api.components;
  $("version").textContent = `API, version ${api.info.version}`;
  $("introduction").append(...spoken(api.info.description));
  const all = Object.entries(api.paths).flatMap(([path, methods]) => Object.entries(methods).map(
    ([name, operation]) => [path, name.toUpperCase(), operation]));
  for (const tag of api.tags)
    drawGroup(tag, all.filter(([, , operation]) => operation.tags.includes(tag.name)));
  drawSchemas();
  $("filter").addEventListener("input", filter);
  addEventListener("hashchange", show);
  show();
}

start().catch((error) => {
  $("fault").textContent = `The description could not be read: ${error.message}`;
  $("fault").hidden = false;
});
