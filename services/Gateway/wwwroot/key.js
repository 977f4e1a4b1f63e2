// The key that a server may ask for: kept for the tab, and gone with it.

const storageKey = "parley.key";

/** `session` is a function, because a browser may throw as soon as its store is named. */
export function createKeyStore({ session }) {
  return {
    /** The key that was entered in this tab, or nothing. */
    load() {
      try {
        return session().getItem(storageKey) ?? "";
      } catch {
        return "";
      }
    },
    /** Keeps the key, or forgets it where there is none; a browser that keeps nothing asks again at the next load. */
    save(key) {
      try {
        if (key)
          session().setItem(storageKey, key);
        else
          session().removeItem(storageKey);
      } catch {
        // The page has the key for as long as it is open.
      }
    },
  };
}

/** What was typed or pasted as a key, or why it cannot be one: a header takes neither spaces nor letters beyond ASCII. */
export function readKey(text) {
  const key = text.trim();
  if (key === "")
    return { key: null, fault: "Enter the key." };
  return /^[!-~]+$/.test(key) ? { key, fault: "" } : { key: null, fault: "A key has no spaces and no letters beyond ASCII." };
}
