"""Makes cases.json.gz: a small vocabulary of Gemma 4's kind as a GGUF file has it, and what transformers' class makes of texts.

Needs Python's tokenizers 0.23.3 and transformers 5.23.0; run from the repository's root. The vocabulary is trained on this project's own
pages. Kinds of tokens are those that llama.cpp's converter writes: what tokenizer.json calls an added token, and is none of the special
ones, is an ordinary token there, and the markers of channels and calls, which are special, are user-defined ones.
"""

import gzip, json, pathlib, random, re

from tokenizers import AddedToken, Tokenizer, normalizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from transformers import GemmaTokenizer

NAMED = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
VISIBLE = ["<|channel>", "<channel|>", "<|tool_call>", "<tool_call|>", "<|tool_response>", "<tool_response|>", '<|"|>']
TURNS = ["<|turn>", "<turn|>", "<|think|>"]
# No merge makes these: they are found whole in a text, or never.
ADDED = ["<table>", "\n" * 9, "[multimodal]", "<unused0>"]
SEED = 19

pages = [path.read_text() for path in sorted(pathlib.Path("docs").glob("*.md"))] + [pathlib.Path("README.md").read_text()]
trained = Tokenizer(BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
trained.normalizer = normalizers.Replace(" ", "▁")
chunks = [line[i:i + 60] for page in pages for line in page.split("\n") for i in range(0, len(line), 60)]
chunks += ["\n" * n for n in (1, 2, 3, 4, 5, 6)] * 200 + [" " * n for n in (2, 3, 4, 8)] * 50 + ["Ünïcödé çà été"] * 30
specials = NAMED + VISIBLE + TURNS + ADDED + [f"<0x{byte:02X}>" for byte in range(256)]
# Letters of our own pages alone: others are bytes.
letters = sorted({c for page in pages for c in page if ord(c) < 0x180} - {" "} | {"▁", "\n"})
trained.train_from_iterator(chunks, BpeTrainer(
    vocab_size=1400, special_tokens=specials, initial_alphabet=letters, limit_alphabet=len(letters), show_progress=False))
model = json.loads(trained.to_str())["model"]
merges = [tuple(merge) if isinstance(merge, list) else tuple(merge.split(" ")) for merge in model["merges"]]

reference = GemmaTokenizer(vocab=model["vocab"], merges=merges, extra_special_tokens=VISIBLE + TURNS, add_bos_token=True)
reference.add_tokens([AddedToken(text, normalized=False, special=False) for text in ADDED])
tokens = [text for text, _ in sorted(model["vocab"].items(), key=lambda entry: entry[1])]
assert len(reference) == len(tokens) and not any("".join(merge) in ADDED for merge in merges)
special = set(reference.all_special_ids)
types = [6 if re.fullmatch("<0x[0-9A-F]{2}>", text) else 4 if text in VISIBLE else 3 if id in special else 1
         for id, text in enumerate(tokens)]

random.seed(SEED)
lines = [line for page in pages for line in page.split("\n") if line.strip()]
alphabet = list(" ab.é▁<>x漢🙂\u0301\n\t1") + ADDED + ["  ", "the ", "model", "\n\n", "<0x41>"]
texts = ["", " ", "a", "  a  b  ", "▁a", "a\nb", "\n\n", "\n" * 7, "\n" * 12, "漢字", "<unk>", "</s>", "a<table>b", "<table> <unused0>\n"]
texts += random.sample(lines, 100) + ["\n\n".join(random.sample(lines, 3)) for _ in range(20)]
texts += ["".join(random.choices(alphabet, k=random.randint(1, 24))) for _ in range(280)]
# What a user writes is not what a template writes: special tokens within texts are another test's.
texts = [text for text in texts if not any(mark in text for mark in NAMED)] + ["<|turn>user\nHi<turn|>\n", '<|"|>a<|"|>']

ids = [reference.encode(text) for text in texts]
made = {"tokens": tokens, "types": types, "merges": [" ".join(merge) for merge in merges], "texts": texts, "ids": ids,
        "decoded": [reference.decode(line, skip_special_tokens=False, clean_up_tokenization_spaces=False) for line in ids],
        "skipped": [reference.decode(line, skip_special_tokens=True, clean_up_tokenization_spaces=False) for line in ids]}
target = pathlib.Path(__file__).parent / "cases.json.gz"
with open(target, "wb") as file, gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as packed:
    packed.write(json.dumps(made, ensure_ascii=False).encode())
print(f"{target}: {target.stat().st_size} bytes, {len(texts)} texts, begins {ids[0]}, {sum(t == 1 for t in types)} ordinary tokens")
