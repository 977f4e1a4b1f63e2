"""Makes cases.json.gz: one byte-level vocabulary, and what transformers' own tokenizer classes make of texts with it.

Needs Python's tokenizers 0.23.3 and transformers 5.23.0; run from the repository's root. The vocabulary is trained on this project's own
pages and on random words whose letters carry marks, without any split but at line breaks, so that a piece that is split elsewhere has
other ids.
"""

import gzip, json, pathlib, random

from tokenizers import Tokenizer, pre_tokenizers, trainers
from tokenizers.models import BPE
from transformers.models.cohere.tokenization_cohere import CohereTokenizer
from transformers.models.gpt2.tokenization_gpt2 import GPT2Tokenizer
from transformers.models.gpt_neox.tokenization_gpt_neox import GPTNeoXTokenizer
from transformers.models.qwen2.tokenization_qwen2 import Qwen2Tokenizer
from transformers.models.qwen3_5.tokenization_qwen3_5 import Qwen3_5Tokenizer

CLASSES = {"qwen35": Qwen3_5Tokenizer, "qwen2": Qwen2Tokenizer, "command-r": CohereTokenizer, "olmo": GPTNeoXTokenizer, "gpt-2": GPT2Tokenizer}
SEED = 35

random.seed(SEED)
lines = [line for path in sorted(pathlib.Path("docs").glob("*.md")) for line in path.read_text().split("\n") if line.strip()]
marked = "कखगघचज" + "\u093e\u093f\u0940\u0941\u0947\u094d\u0902"
thai = "กขคงจ" + "\u0e31\u0e34\u0e35\u0e48\u0e49"
accents = "aeiou" + "\u0301\u0308\u0327"
words = ["".join(random.choices(alphabet, k=random.randint(2, 6))) for alphabet in (marked, thai, accents) for _ in range(60)]
sentences = [" ".join(random.choices(words + ["2024", "don't", "I'LL", "x_1", "--", "…", "\t"], k=random.randint(2, 9))) for _ in range(300)]

trained = Tokenizer(BPE())
trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
trained.train_from_iterator(lines + sentences, trainers.BpeTrainer(
    vocab_size=1500, special_tokens=["<|endoftext|>"], initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False))
model = json.loads(trained.to_str())["model"]
merges = [tuple(merge) for merge in model["merges"]]

alphabet = list("ab1 '\n\r\t.,-_\u0301\u093f\u0e34½²Ⅷ\u00a0\u3000") + words[::7] + ["'s", "'RE", " '", "  ", "é", "漢字", "🙂", "can't", "١٢"]
texts = random.sample(lines, 80) + sentences[:80] + ["".join(random.choices(alphabet, k=random.randint(1, 16))) for _ in range(240)]
special = {name: "<|endoftext|>" for name in ("bos_token", "eos_token", "unk_token", "pad_token", "cls_token", "sep_token", "mask_token")}
ids = {}
for name, cls in CLASSES.items():
    tokenizer = cls(vocab=model["vocab"], merges=merges, **(special if name != "gpt-2" else {}))._tokenizer
    ids[name] = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]

tokens = [token for token, _ in sorted(model["vocab"].items(), key=lambda item: item[1])]
made = {"tokens": tokens, "merges": [" ".join(merge) for merge in merges], "texts": texts, "ids": ids}
target = pathlib.Path(__file__).parent / "cases.json.gz"
with open(target, "wb") as file, gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as packed:
    packed.write(json.dumps(made, ensure_ascii=False).encode())
print(f"{target}: {target.stat().st_size} bytes; texts that qwen35 splits otherwise than qwen2:",
      sum(a != b for a, b in zip(ids["qwen35"], ids["qwen2"])), "of", len(texts))
