import assert from "node:assert/strict";
import test from "node:test";
import { createAnswer } from "../../../../services/Gateway/wwwroot/conversation.js";
import { createConversationStore } from "../../../../services/Gateway/wwwroot/storage.js";

/** A browser's storage in memory, with a limit in characters. */
class MemoryStorage {
  entries = new Map();
  charactersMax = Infinity;
  get length() { return this.entries.size; }
  key(index) { return [...this.entries.keys()][index] ?? null; }
  getItem(key) { return this.entries.get(key) ?? null; }
  removeItem(key) { this.entries.delete(key); }
  setItem(key, value) {
    const others = [...this.entries].reduce((sum, [name, text]) => sum + (name === key ? 0 : text.length), 0);
    if (others + value.length > this.charactersMax)
      throw new Error("QuotaExceededError");
    this.entries.set(key, value);
  }
}

let ids = 0;
let clock = 0;
const turn = (question) => ({ question, answer: { ...createAnswer(), state: "complete", text: "answer" } });
const tab = (local, session = new MemoryStorage()) =>
  createConversationStore({ local: () => local, session: () => session, now: () => ++clock, newId: () => `id${++ids}` });
const conversations = (local) => [...local.entries.keys()].filter((key) => key.startsWith("parley.conversation."));

test("Load_InTheSameTab_ReturnsWhatWasSaved", () => {
  const [local, session] = [new MemoryStorage(), new MemoryStorage()];
  const store = tab(local, session);
  store.load();
  assert.equal(store.save([turn("a")]), "");
  assert.deepEqual(tab(local, session).load(), { turns: [turn("a")], note: "" });
});

test("Load_InANewTab_ReturnsTheLatestConversation", () => {
  const local = new MemoryStorage();
  for (const question of ["a", "b"]) {
    const store = tab(local);
    store.load();
    store.clear();
    store.save([turn(question)]);
  }
  assert.equal(tab(local).load().turns[0].question, "b");
});

test("Tabs_WithConversationsOfTheirOwn_DoNotOverwriteEachOther", () => {
  const [local, session] = [new MemoryStorage(), new MemoryStorage()];
  const one = tab(local, session);
  one.load();
  one.save([turn("a")]);
  const other = tab(local);
  other.load();
  other.clear();
  assert.deepEqual(conversations(local).length, 0);
  one.save([turn("a")]);
  other.save([turn("b")]);
  assert.equal(tab(local, session).load().turns[0].question, "a");
});

test("Clear_ThenLoad_IsEmptyInTheSameTab", () => {
  const [local, session] = [new MemoryStorage(), new MemoryStorage()];
  const store = tab(local, session);
  store.load();
  store.save([turn("a")]);
  store.clear();
  assert.deepEqual(tab(local, session).load(), { turns: [], note: "" });
  assert.deepEqual(conversations(local), []);
});

test("Entry_ThatCannotBeRead_IsSaidAndReplaced", () => {
  for (const entry of ["", "{", "null", "[]", '{"version":1}', '{"version":1,"turns":[{}]}']) {
    const [local, session] = [new MemoryStorage(), new MemoryStorage()];
    const store = tab(local, session);
    store.load();
    store.save([turn("a")]);
    local.setItem(conversations(local)[0], entry);
    const next = tab(local, session);
    const { turns, note } = next.load();
    assert.deepEqual(turns, []);
    assert.match(note, /could not be read/);
    assert.equal(next.save([turn("b")]), "");
    assert.equal(tab(local, session).load().turns[0].question, "b");
  }
});

test("Entry_OfANewerVersion_IsLeftAlone", () => {
  const [local, session] = [new MemoryStorage(), new MemoryStorage()];
  session.setItem("parley.conversation", "x");
  local.setItem("parley.conversation.x", '{"version":2,"turns":"of another kind"}');
  const store = tab(local, session);
  assert.match(store.load().note, /newer version/);
  store.save([turn("a")]);
  assert.equal(local.getItem("parley.conversation.x"), '{"version":2,"turns":"of another kind"}');
});

test("Save_WithoutRoom_DropsOlderConversationsFirst", () => {
  const local = new MemoryStorage();
  const old = tab(local);
  old.load();
  old.save([turn("x".repeat(500))]);
  local.charactersMax = 900;
  const store = tab(local);
  store.load();
  store.clear();
  local.setItem("parley.conversation.old", JSON.stringify({ version: 1, savedAt: 0, turns: [turn("y".repeat(400))] }));
  assert.equal(store.save([turn("z".repeat(500))]), "");
  assert.equal(conversations(local).length, 1);
});

test("Save_WithoutRoomForAll_KeepsTheLastAndSaysSo", () => {
  const [local, session] = [new MemoryStorage(), new MemoryStorage()];
  local.charactersMax = 1000;
  const store = tab(local, session);
  store.load();
  assert.match(store.save([turn("x".repeat(600)), turn("y".repeat(500))]), /Only the last question of/);
  assert.equal(tab(local, session).load().turns[0].question, "y".repeat(500));
});

test("Save_WithoutRoomForAny_SaysSoAndKeepsWhatWasThere", () => {
  const [local, session] = [new MemoryStorage(), new MemoryStorage()];
  local.charactersMax = 1000;
  const store = tab(local, session);
  store.load();
  store.save([turn("a")]);
  assert.match(store.save([turn("x".repeat(2000))]), /storage is full/);
  assert.equal(tab(local, session).load().turns[0].question, "a");
});

test("Save_OfAnEndlessConversation_StaysBounded", () => {
  const local = new MemoryStorage();
  const store = tab(local);
  store.load();
  assert.match(store.save(Array.from({ length: 40 }, () => turn("x".repeat(100_000)))), /Only the last 1\d questions/);
  assert.ok(local.getItem(conversations(local)[0]).length <= 1_500_000);
});

test("Save_OfManyConversations_KeepsTheLatest", () => {
  const local = new MemoryStorage();
  for (let number = 0; number < 20; number++) {
    const session = new MemoryStorage();
    session.setItem("parley.conversation", `c${number}`);
    const store = tab(local, session);
    store.load();
    store.save([turn(`q${number}`)]);
  }
  assert.equal(conversations(local).length, 8);
  assert.equal(tab(local).load().turns[0].question, "q19");
});

test("Storage_ThatIsForbidden_IsSaidAndNothingThrows", () => {
  const forbidden = () => { throw new Error("SecurityError"); };
  const store = createConversationStore({ local: forbidden, session: forbidden, newId: () => "id" });
  assert.match(store.load().note, /keep nothing/);
  assert.match(store.save([turn("a")]), /keep nothing/);
  store.clear();
});
