#!/bin/sh
# Builds the demo model from nothing: corpus, tokenizer, weights, Hugging Face folder, score.
#   tools/DemoModel/build.sh WORK-FOLDER [OUTPUT-FOLDER]
# Debian 12: apt-get install python3-torch libopenblas0-pthread
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$1
out=${2:-$work/model}
python=${PYTHON:-/usr/bin/python3}
# Idle OpenMP threads that spin would take the second core from OpenBLAS.
export OMP_WAIT_POLICY=passive
mkdir -p "$work"
"$python" "$here/write_corpus.py" --out "$work/corpus.jsonl"
"$python" "$here/topic_words.py"
"$python" "$here/train.py" --corpus "$work/corpus.jsonl" --work "$work" --out "$out"
"$python" "$here/score.py" --model "$out" --corpus "$work/corpus.jsonl"
