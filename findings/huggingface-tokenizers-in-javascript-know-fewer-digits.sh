#!/usr/bin/env bash
# @huggingface/tokenizers 0.2.0 (npm, JavaScript) against tokenizers 0.23.2 (npm, the Rust library of the same maker): one
# tokenizer.json, other tokens. The pre-tokenizer "Digits" (Falcon's and DeepSeek LLM's files have it) cuts numbers out of words. In
# Rust a digit is whatever Unicode calls numeric: superscripts, fractions, Roman and Arabic numerals. In JavaScript it is 0 to 9, so
# that "x²" stays one word there and may become one token. On DeepSeek LLM's published file " ½ months" is three ids in Rust and
# differs from the first one on in JavaScript; nothing is raised.
#
# Seen on 2026-11-30, with a vocabulary of these characters and their pairs:
#   x3: rust ["x","3"] javascript ["x","3"]
#   x²: rust ["x","²"] javascript ["x²"]
#   xⅧ: rust ["x","Ⅷ"] javascript ["xⅧ"]
#   x٣: rust ["x","٣"] javascript ["x٣"]
# Needs: node, npm, 64-bit Linux with glibc. Fails when what it sees changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix "$work" @huggingface/tokenizers@0.2.0 tokenizers@0.23.2 >install.log 2>&1 \
  || { cat install.log >&2; exit 2; }

cat > probe.mjs <<'JS'
import { createRequire } from "node:module";
import { Tokenizer } from "@huggingface/tokenizers";

const rust = createRequire(import.meta.url)("tokenizers");
const words = ["x3", "x²", "xⅧ", "x٣"];
const pieces = ["x", ...words.flatMap((word) => [word[1], word])];
const file = {
  version: "1.0", truncation: null, padding: null, added_tokens: [], normalizer: null, post_processor: null, decoder: null,
  pre_tokenizer: { type: "Digits", individual_digits: false },
  model: {
    type: "BPE", dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null,
    fuse_unk: false, byte_fallback: false,
    vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
    merges: words.map((word) => [...word].join(" ")),
  },
};
const native = rust.Tokenizer.fromString(JSON.stringify(file));
const script = new Tokenizer(file, {});
for (const word of words) {
  const expected = (await native.encode(word, null, { addSpecialTokens: false })).getTokens();
  const actual = script.encode(word, { add_special_tokens: false }).tokens;
  console.log(`${word}: rust ${JSON.stringify(expected)} javascript ${JSON.stringify(actual)}`);
}
JS
node probe.mjs | tee seen
diff seen - <<'EXPECTED'
x3: rust ["x","3"] javascript ["x","3"]
x²: rust ["x","²"] javascript ["x²"]
xⅧ: rust ["x","Ⅷ"] javascript ["xⅧ"]
x٣: rust ["x","٣"] javascript ["x٣"]
EXPECTED
echo "as described"
