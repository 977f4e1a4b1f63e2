#!/usr/bin/env bash
# @huggingface/jinja 0.5.11 (npm): the engine with which JavaScript programs render chat templates. It takes templates that Python's
# jinja2 (3.1.6, as transformers sets it up) renders too, and writes another prompt, without any error:
#   * lstrip, rstrip and strip ignore what they are told to strip, and strip all white space. Templates of thinking models cut an old
#     answer at its closing tag and then call .lstrip('\n'): an answer that begins with an indented line (code, a nested list) loses
#     its indentation in the next turn's prompt. strip('-') strips no hyphen.
#   * a mapping joined by ~ is written as JavaScript's "[object Map]"; jinja2 writes {'a': 1}.
#   * strftime_now leaves %-d and %-m as they stand (jinja2's strftime: without the leading zero).
# So the same folder of a model gives other token ids in the browser than in Python; whoever compares answers of the two compares
# different prompts.
#
# Seen on 2026-11-30 (what jinja2 3.1.6 writes stands beside each case below):
#   newlines only: "code: |x"
#   strip('-'): "--x--"
#   mapping: "v=[object Map]"
#   unpadded day: "%-d"
# Needs: node, npm. Fails when what it sees changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix "$work" @huggingface/jinja@0.5.11 >install.log 2>&1 || { cat install.log >&2; exit 2; }

cat > probe.mjs <<'JS'
import { Template } from "@huggingface/jinja";

const cases = [
  // jinja2: "code: |    x", since only line breaks were to go
  ["newlines only", "code: |{{ text.split('</think>')[-1].lstrip('\\n') }}", { text: "<think>\nhm\n</think>\n\n    x" }],
  // jinja2: "x"
  ["strip('-')", "{{ '--x--'.strip('-') }}", {}],
  // jinja2: "v={'a': 1}"
  ["mapping", "{{ 'v=' ~ value }}", { value: { a: 1 } }],
  // jinja2: the day, e.g. "5"
  ["unpadded day", "{{ strftime_now('%-d') }}", {}],
];
for (const [name, template, values] of cases)
  console.log(`${name}: ${JSON.stringify(new Template(template).render(values))}`);
JS
node probe.mjs | tee seen
diff seen - <<'EXPECTED'
newlines only: "code: |x"
strip('-'): "--x--"
mapping: "v=[object Map]"
unpadded day: "%-d"
EXPECTED
echo "as described"
