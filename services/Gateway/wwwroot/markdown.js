// A small part of Markdown, built as DOM nodes: text from the model never becomes markup.

const inline = /(`+)([\s\S]*?[^`])\1(?!`)|\*\*(?=\S)([\s\S]*?\S)\*\*|__(?=\S)([\s\S]*?\S)__|\*(?=\S)([^*]*?[^\s*])\*(?!\*)|\[([^\]\n]+)\]\((https?:\/\/[^\s)]+)\)/g;

/**
 * The blocks of a text in order. `source` tells two versions of a block apart without rendering them; `render` makes a block's node.
 */
export function blocksOf(lines) {
  const blocks = [];
  let index = 0;
  const take = (end, render) => {
    blocks.push({ source: lines.slice(index, end).join("\n"), render });
    index = end;
  };
  while (index < lines.length) {
    const start = index;
    const line = lines[index];
    const fence = /^\s*(```+|~~~+)\s*([\w+#.-]*)/.exec(line);
    if (line.trim() === "") {
      index++;
    } else if (fence) {
      let end = index + 1;
      while (end < lines.length && !lines[end].trim().startsWith(fence[1]))
        end++;
      const code = lines.slice(start + 1, end).join("\n");
      take(end + 1, () => codeBlock(code, fence[2]));
    } else if (/^#{1,6}\s/.test(line)) {
      const level = Math.min(5, 2 + /^#+/.exec(line)[0].length);
      take(index + 1, () => element(`h${level}`, line.replace(/^#+\s+/, "")));
    } else if (/^>\s?/.test(line)) {
      const end = endOf(lines, index, (one) => /^>\s?/.test(one));
      take(end, () => container("blockquote", lines.slice(start, end).map((one) => one.replace(/^>\s?/, ""))));
    } else if (marker(line)) {
      const end = endOf(lines, index, (one) => marker(one) || /^\s+\S/.test(one));
      take(end, () => list(lines.slice(start, end)));
    } else {
      const end = endOf(lines, index, (one) => one.trim() !== "" && !/^\s*(```|~~~)|^#{1,6}\s|^>/.test(one) && !marker(one));
      take(end, () => element("p", lines.slice(start, end).join("\n")));
    }
  }
  return blocks;
}

function container(name, lines) {
  const result = document.createElement(name);
  result.append(...blocksOf(lines).map((block) => block.render()));
  return result;
}

/** The first line from `start` on, that one not looked at, which does not belong. */
function endOf(lines, start, belongs) {
  let end = start + 1;
  while (end < lines.length && belongs(lines[end]))
    end++;
  return end;
}

function marker(line) {
  return /^(\s*)([-*+]|\d{1,9}[.)])\s+/.exec(line);
}

function list(lines) {
  const first = marker(lines[0]);
  const ordered = /\d/.test(first[2]);
  const result = document.createElement(ordered ? "ol" : "ul");
  if (ordered)
    result.start = parseInt(first[2], 10);
  let index = 0;
  while (index < lines.length) {
    const head = marker(lines[index]);
    const depth = first[1].length;
    // What is indented deeper belongs to this item.
    const end = endOf(lines, index, (one) => { const next = marker(one); return !next || next[1].length > depth; });
    const item = document.createElement("li");
    appendInline(item, lines[index].slice(head[0].length));
    const rest = lines.slice(index + 1, end);
    if (rest.length > 0)
      item.append(...blocksOf(rest.map((one) => one.replace(/^\s{1,4}/, ""))).map((block) => block.render()));
    result.append(item);
    index = end;
  }
  return result;
}

function codeBlock(text, language) {
  const box = document.createElement("div");
  box.className = "code";
  const title = document.createElement("div");
  title.className = "title";
  const name = document.createElement("span");
  name.textContent = language || "code";
  const copy = document.createElement("button");
  copy.type = "button";
  copy.className = "small";
  copy.dataset.copy = "code";
  copy.textContent = "Copy";
  title.append(name, copy);
  const pre = document.createElement("pre");
  pre.tabIndex = 0;
  const code = document.createElement("code");
  code.textContent = text;
  pre.append(code);
  box.append(title, pre);
  return box;
}

function element(name, text) {
  const result = document.createElement(name);
  appendInline(result, text);
  return result;
}

function appendInline(target, text) {
  let from = 0;
  for (const match of text.matchAll(inline)) {
    appendText(target, text.slice(from, match.index));
    from = match.index + match[0].length;
    const [, ticks, code, strong, strong2, emphasis, label, address] = match;
    if (ticks) {
      const node = document.createElement("code");
      node.textContent = code.trim();
      target.append(node);
    } else if (address) {
      const node = document.createElement("a");
      node.href = address;
      node.rel = "noreferrer noopener";
      node.target = "_blank";
      node.textContent = label;
      target.append(node);
    } else {
      const node = document.createElement(emphasis ? "em" : "strong");
      appendInline(node, strong ?? strong2 ?? emphasis);
      target.append(node);
    }
  }
  appendText(target, text.slice(from));
}

function appendText(target, text) {
  text.split("\n").forEach((line, index) => {
    if (index > 0)
      target.append(document.createElement("br"));
    if (line)
      target.append(line);
  });
}
