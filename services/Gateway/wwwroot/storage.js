// What the browser keeps of the conversation: one entry of localStorage for each, and in sessionStorage which of them the tab shows.

import { readTurns } from "./conversation.js";

const version = 1;
const prefix = "parley.conversation.";
const currentKey = "parley.conversation";

/** Browsers give a site about 5 million characters. */
const charactersMax = 1_500_000;
const conversationsMax = 8;

const nothingKept = "This browser lets the page keep nothing: the conversation is gone once the page closes.";
const full = "This browser's storage is full: what is new in this conversation is gone once the page closes.";
const damaged = "A conversation kept in this browser could not be read and was left out.";
const foreign = "A conversation kept in this browser is of a newer version of this page and was left alone.";

/** The stores are functions, because a browser may throw as soon as one is named. */
export function createConversationStore({ local, session, newId, now = Date.now }) {
  let id = attempt(() => session().getItem(currentKey)) ?? null;

  const keys = () => Array.from({ length: local().length }, (_, index) => local().key(index)).filter((key) => key?.startsWith(prefix));
  const others = () => keys().filter((key) => key !== prefix + id)
    .map((key) => ({ key, savedAt: savedAtOf(local().getItem(key)) })).sort((a, b) => a.savedAt - b.savedAt);

  /** Another tab goes on with its own; a reload of this one finds the same again. */
  function choose(next) {
    id = next;
    attempt(() => session().setItem(currentKey, id));
  }

  function load() {
    try {
      if (!id)
        choose(others().at(-1)?.key.slice(prefix.length) ?? newId());
      const { turns, fault } = read(local().getItem(prefix + id));
      if (fault === damaged)
        local().removeItem(prefix + id);
      if (fault)
        choose(newId());
      return { turns, note: fault };
    } catch {
      id ??= "unkept";
      return { turns: [], note: nothingKept };
    }
  }

  /** Keeps the turns, or as many of the last as there is room for; returns what the reader should know, or nothing. */
  function save(turns) {
    try {
      if (turns.length === 0)
        local().removeItem(prefix + id);
      else
        return write(turns);
      return "";
    } catch {
      return nothingKept;
    }
  }

  function write(turns) {
    const old = others();
    while (old.length >= conversationsMax)
      local().removeItem(old.shift().key);
    for (let from = 0; from < turns.length; from++) {
      const entry = JSON.stringify({ version, savedAt: now(), turns: turns.slice(from) });
      if (entry.length > charactersMax)
        continue;
      while (true) {
        if (attempt(() => { local().setItem(prefix + id, entry); return true; }))
          return from === 0 ? "" : partly(turns.length - from);
        if (old.length === 0)
          break;
        local().removeItem(old.shift().key);
      }
    }
    return full;
  }

  return {
    load,
    save,
    /** Forgets the conversation; what is saved next is another one. */
    clear() {
      attempt(() => local().removeItem(prefix + id));
      choose(newId());
    },
    /** Whether an entry that another tab has written is the conversation shown here. */
    isCurrent: (key) => key === prefix + id,
  };
}

function read(entry) {
  if (entry === null)
    return { turns: [], fault: "" };
  const value = attempt(() => JSON.parse(entry));
  if (value?.version > version)
    return { turns: [], fault: foreign };
  const turns = value?.version === version ? readTurns(value.turns) : null;
  return turns ? { turns, fault: "" } : { turns: [], fault: damaged };
}

function savedAtOf(entry) {
  const savedAt = attempt(() => JSON.parse(entry).savedAt);
  return Number.isFinite(savedAt) ? savedAt : 0;
}

function partly(kept) {
  return `Only the last ${kept === 1 ? "question" : `${kept} questions`} of this conversation fit into this browser's storage.`;
}

function attempt(act) {
  try {
    return act();
  } catch {
    return undefined;
  }
}
