#!/bin/sh
# Builds the demo model from nothing: corpus, tokenizer, weights in two stages, Hugging Face folder, score.
#   tools/DemoModel/build.sh WORK-FOLDER [OUTPUT-FOLDER]
# Debian 12: apt-get install python3-torch libopenblas0-pthread
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$1
out=${2:-$work/model}
python=${PYTHON:-/usr/bin/python3}
# Idle OpenMP threads that spin would take the second core from OpenBLAS.
export OMP_WAIT_POLICY=passive
mkdir -p "$work/stage2"
"$python" "$here/write_corpus.py" --out "$work/corpus.jsonl"
"$python" "$here/topic_words.py"
"$python" "$here/train.py" --corpus "$work/corpus.jsonl" --work "$work" --out "$work/stage1"
# The second stage keeps the tokenizer and learns the same answers from far more varied questions.
"$python" "$here/write_varied.py" --out "$work/stage2/corpus.jsonl"
"$python" "$here/train.py" --start "$work/checkpoint.pt" --corpus "$work/stage2/corpus.jsonl" --work "$work/stage2" \
    --out "$out" --steps 2172 --rate 1e-3 --seed 20261124
"$python" "$here/score.py" --model "$out" --corpus "$work/corpus.jsonl" "$work/stage2/corpus.jsonl"
