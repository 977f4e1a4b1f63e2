import assert from "node:assert/strict";
import test from "node:test";
import { createKeyStore, readKey } from "../../../../services/Gateway/wwwroot/key.js";

function storage() {
  const entries = new Map();
  return {
    entries,
    getItem: (name) => entries.get(name) ?? null,
    setItem: (name, value) => entries.set(name, value),
    removeItem: (name) => entries.delete(name),
  };
}

test("Key_Saved_IsLoadedAndForgotten", () => {
  const session = storage();
  const store = createKeyStore({ session: () => session });
  assert.equal(store.load(), "");
  store.save("pk-1");
  assert.equal(store.load(), "pk-1");
  store.save("");
  assert.equal(store.load(), "");
  assert.equal(session.entries.size, 0);
});

test("Key_InABrowserThatKeepsNothing_IsNone", () => {
  const store = createKeyStore({ session: () => { throw new Error("denied"); } });
  store.save("pk-1");
  assert.equal(store.load(), "");
});

test("Key_Typed_IsTrimmedOrRefused", () => {
  assert.deepEqual(readKey("  pk-1~!\n"), { key: "pk-1~!", fault: "" });
  for (const text of ["", "  ", "two words", "schlüssel", "🙂", "a\u0000b", "a\nb"]) {
    assert.equal(readKey(text).key, null);
    assert.notEqual(readKey(text).fault, "");
  }
});
