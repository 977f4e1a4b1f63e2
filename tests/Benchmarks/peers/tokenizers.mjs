// Measures Hugging Face's Rust library through its npm package `tokenizers`, the binding's cost included:
//   dotnet run -c Release --project tests/Benchmarks -- export /tmp/parley-bench
//   npm install tokenizers && node tests/Benchmarks/peers/tokenizers.mjs /tmp/parley-bench
// The package is looked for in the current folder.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.cwd(), "package.json"));
const { Tokenizer } = require("tokenizers");
const folder = process.argv[2];
const read = (name) => readFileSync(join(folder, name), "utf8");
const [message, text] = [read("message.txt"), read("text.txt")];
const options = { addSpecialTokens: false };

async function measure(name, secondsMin, run) {
  await run();
  const times = [];
  const end = performance.now() + secondsMin * 1000;
  while (times.length < 5 || performance.now() < end) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  const mean = times.reduce((a, b) => a + b) / times.length;
  console.log(`${name}: mean ${(mean * 1000).toFixed(1)} us, median ${(times[times.length >> 1] * 1000).toFixed(1)} us, n ${times.length}`);
}

for (const vocabulary of ["llama3", "llama-spm"]) {
  const path = join(folder, vocabulary + ".json");
  let start = performance.now();
  let tokenizer = Tokenizer.fromFile(path);
  console.log(`${vocabulary} load: ${(performance.now() - start).toFixed(1)} ms`);
  const encode = async (input) => (await tokenizer.encode(input, null, options)).getIds().length;
  start = performance.now();
  const count = await encode(text);
  console.log(`${vocabulary} text first: ${((performance.now() - start) * 1000).toFixed(1)} us, ${count} ids; message ${await encode(message)} ids`);
  await measure(`${vocabulary} message`, 2, () => encode(message));
  await measure(`${vocabulary} text`, 3, () => encode(text));
  await measure(`${vocabulary} text, two at once`, 3, () => Promise.all([encode(text), encode(text)]));
  for (const bytes of [50_000, 100_000]) {
    await measure(`${vocabulary} letters ${bytes}`, 1, () => encode("a".repeat(bytes)));
    await measure(`${vocabulary} spaces ${bytes}`, 1, () => encode(" ".repeat(bytes)));
    await measure(`${vocabulary} emoji ${bytes}`, 1, () => encode("🙂".repeat(bytes / 4)));
  }
}
