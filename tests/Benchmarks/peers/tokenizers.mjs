// Hugging Face's Rust library through its npm package `tokenizers`, the binding's cost included. The benchmarks' `compare` starts this
// and asks for one row at a time, so that its rows and Parley's take turns:
//   npm install tokenizers && dotnet run -c Release --project tests/Benchmarks -- compare
// The package is looked for in the current folder. A line of standard input is "vocabulary row seconds"; the answer is the median time of
// a call in milliseconds and the number of ids.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

const require = createRequire(join(process.cwd(), "package.json"));
const { Tokenizer } = require("tokenizers");
const folder = process.argv[2];
const read = (name) => readFileSync(join(folder, name), "utf8");
const loaded = new Map();
const texts = {
  message: read("message.txt"),
  text: read("text.txt"),
  letters: "a".repeat(100_000),
  spaces: " ".repeat(100_000),
  emoji: "🙂".repeat(25_000),
};

const load = (vocabulary) => Tokenizer.fromFile(join(folder, vocabulary + ".json"));
const encode = async (tokenizer, input) => (await tokenizer.encode(input, null, { addSpecialTokens: false })).getIds().length;

async function prepare(vocabulary, row) {
  if (row === "load") return () => (load(vocabulary), 0);
  if (row === "first") {
    const fresh = load(vocabulary);
    return () => encode(fresh, texts.text);
  }
  if (!loaded.has(vocabulary)) loaded.set(vocabulary, load(vocabulary));
  const tokenizer = loaded.get(vocabulary);
  if (row === "two") return async () => (await Promise.all([encode(tokenizer, texts.text), encode(tokenizer, texts.text)]))[0];
  return () => encode(tokenizer, texts[row]);
}

for await (const line of createInterface({ input: process.stdin })) {
  const [vocabulary, row, seconds] = line.split(" ");
  const run = await prepare(vocabulary, row);
  const times = [];
  let count = 0;
  const end = performance.now() + Number(seconds) * 1000;
  do {
    const start = performance.now();
    count = await run();
    times.push(performance.now() - start);
  } while (performance.now() < end);
  times.sort((a, b) => a - b);
  console.log(`${times[times.length >> 1]} ${count}`);
}
