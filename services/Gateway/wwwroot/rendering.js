// Shows a text that grows. What has not changed is not touched, and no node that holds the reader's selection is changed or removed.

import { blocksOf } from "./markdown.js";

export function createRendering(target) {
  const shown = [];
  let text = "";
  let waiting = false;

  function draw() {
    const range = selectedRange();
    const blocks = blocksOf(text.split("\n"));
    let held = false;
    blocks.forEach((block, index) => {
      const old = shown[index];
      if (!old) {
        shown.push({ source: block.source, node: block.render() });
        target.append(shown[index].node);
      } else if (old.source !== block.source) {
        const fresh = block.render();
        if (disturbs(old.node, fresh, range)) {
          held = true;
          return;
        }
        old.node = patch(old.node, fresh);
        old.source = block.source;
      }
    });
    while (shown.length > blocks.length) {
      if (range?.intersectsNode(shown.at(-1).node)) {
        held = true;
        break;
      }
      shown.pop().node.remove();
    }
    wait(held);
  }

  /** What could not be drawn under a selection is drawn once that is gone. */
  function wait(held) {
    if (held !== waiting)
      document[held ? "addEventListener" : "removeEventListener"]("selectionchange", draw);
    waiting = held;
  }

  return {
    show(next) {
      text = next;
      draw();
    },
    dispose: () => wait(false),
  };
}

function selectedRange() {
  const selection = document.getSelection();
  return selection && selection.rangeCount > 0 && !selection.isCollapsed ? selection.getRangeAt(0) : null;
}

/** Whether `patch` would change something that is selected. */
function disturbs(old, fresh, range) {
  if (!range?.intersectsNode(old))
    return false;
  if (!isAlike(old, fresh))
    return true;
  if (old.nodeType === Node.TEXT_NODE) {
    const end = range.endContainer === old ? range.endOffset : old.data.length;
    return end > commonLength(old.data, fresh.data);
  }
  return Array.from(old.childNodes).some((child, index) =>
    index < fresh.childNodes.length ? disturbs(child, fresh.childNodes[index], range) : range.intersectsNode(child));
}

/** Turns a node into another with as few changes as there are; returns the node that now stands there. */
function patch(old, fresh) {
  if (!isAlike(old, fresh)) {
    old.replaceWith(fresh);
    return fresh;
  }
  if (old.nodeType === Node.TEXT_NODE) {
    const same = commonLength(old.data, fresh.data);
    if (same < old.data.length || same < fresh.data.length)
      old.replaceData(same, old.data.length - same, fresh.data.slice(same));
    return old;
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value)
      old.setAttribute(name, value);
  }
  for (const name of old.getAttributeNames().filter((name) => !fresh.hasAttribute(name)))
    old.removeAttribute(name);
  // A list of its own: what is appended below leaves `fresh`.
  const children = Array.from(fresh.childNodes);
  children.forEach((child, index) => {
    if (index < old.childNodes.length)
      patch(old.childNodes[index], child);
    else
      old.append(child);
  });
  while (old.childNodes.length > children.length)
    old.lastChild.remove();
  return old;
}

function isAlike(old, fresh) {
  return old.nodeType === fresh.nodeType && old.nodeName === fresh.nodeName;
}

function commonLength(one, other) {
  const most = Math.min(one.length, other.length);
  let length = 0;
  while (length < most && one[length] === other[length])
    length++;
  return length;
}
