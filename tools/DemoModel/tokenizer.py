"""A byte-level BPE tokenizer: training, encoding, and writing it in the Hugging Face tokenizer.json format."""
import json
import re
from collections import Counter, defaultdict

SPECIAL_TOKENS = ["<|begin|>", "<|end|>", "<|pad|>", "<|system|>", "<|user|>", "<|assistant|>"]
# The GPT-2 splitting rule; [^\W\d_] stands for a letter and \d for a number, which is enough for the corpus (plain ASCII).
SPLIT = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+")
RARE_WORD_COUNT = 6


def byte_symbols():
    """The printable character that stands for each byte in byte-level BPE."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    symbols, extra = {}, 0
    for byte in range(256):
        if byte in printable:
            symbols[byte] = chr(byte)
        else:
            symbols[byte] = chr(256 + extra)
            extra += 1
    return symbols


BYTE_SYMBOLS = byte_symbols()


def to_symbols(text):
    return "".join(BYTE_SYMBOLS[byte] for byte in text.encode("utf-8"))


def apply_merge(symbols, pair):
    merged, index = [], 0
    while index < len(symbols):
        if index + 1 < len(symbols) and (symbols[index], symbols[index + 1]) == pair:
            merged.append(symbols[index] + symbols[index + 1])
            index += 2
        else:
            merged.append(symbols[index])
            index += 1
    return merged


def learn_merges(texts, merge_count):
    """Joins the most frequent neighbours again and again. Ties go to the alphabetically first pair, so that runs agree."""
    counts = Counter(to_symbols(piece) for text in texts for piece in SPLIT.findall(text))
    words = [(list(word), count) for word, count in sorted(counts.items()) if count >= RARE_WORD_COUNT]
    pair_counts, pair_words = Counter(), defaultdict(set)
    for number, (symbols, count) in enumerate(words):
        for pair in zip(symbols, symbols[1:]):
            pair_counts[pair] += count
            pair_words[pair].add(number)
    merges = []
    while len(merges) < merge_count:
        best = min(pair_counts, key=lambda pair: (-pair_counts[pair], pair))
        if pair_counts[best] <= 0:
            raise ValueError(f"the corpus is too small for {merge_count} merges")
        merges.append(best)
        for number in sorted(pair_words[best]):
            symbols, count = words[number]
            for pair in zip(symbols, symbols[1:]):
                pair_counts[pair] -= count
            symbols = apply_merge(symbols, best)
            words[number] = (symbols, count)
            for pair in zip(symbols, symbols[1:]):
                pair_counts[pair] += count
                pair_words[pair].add(number)
        del pair_counts[best]
    return merges


class Tokenizer:
    def __init__(self, merges):
        self.merges = merges
        symbols = sorted(BYTE_SYMBOLS.values()) + ["".join(pair) for pair in merges]
        self.vocabulary = {symbol: index for index, symbol in enumerate(dict.fromkeys(symbols))}
        self.special = {token: len(self.vocabulary) + index for index, token in enumerate(SPECIAL_TOKENS)}
        self.ranks = {pair: rank for rank, pair in enumerate(merges)}
        self.pieces = {index: symbol for symbol, index in self.vocabulary.items()}
        self.cache = {}

    @property
    def size(self):
        return len(self.vocabulary) + len(self.special)

    def encode_piece(self, piece):
        if piece not in self.cache:
            symbols = list(to_symbols(piece))
            while len(symbols) > 1:
                best = min(zip(symbols, symbols[1:]), key=lambda pair: self.ranks.get(pair, len(self.ranks)))
                if best not in self.ranks:
                    break
                symbols = apply_merge(symbols, best)
            self.cache[piece] = [self.vocabulary[symbol] for symbol in symbols]
        return self.cache[piece]

    def encode(self, text):
        return [index for piece in SPLIT.findall(text) for index in self.encode_piece(piece)]

    def decode(self, ids):
        bytes_of = {symbol: byte for byte, symbol in BYTE_SYMBOLS.items()}
        symbols = "".join(self.pieces.get(index, "") for index in ids)
        return bytes(bytes_of[symbol] for symbol in symbols).decode("utf-8", errors="replace")

    def encode_chat(self, messages, add_generation_prompt=False):
        """Ids of a conversation, and 1 for every id the assistant has to produce. Mirrors chat_template.jinja."""
        ids, produced = [self.special["<|begin|>"]], [0]
        for message in messages:
            text = self.encode(message["content"].strip())
            answer = int(message["role"] == "assistant")
            ids += [self.special[f"<|{message['role']}|>"], *text, self.special["<|end|>"]]
            produced += [0, *[answer] * len(text), answer]
        if add_generation_prompt:
            ids.append(self.special["<|assistant|>"])
            produced.append(0)
        return ids, produced

    def save(self, path):
        byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
        document = {
            "version": "1.0", "truncation": None, "padding": None,
            "added_tokens": [{"id": index, "content": token, "single_word": False, "lstrip": False, "rstrip": False,
                              "normalized": False, "special": True} for token, index in self.special.items()],
            "normalizer": None, "pre_tokenizer": byte_level, "post_processor": None, "decoder": byte_level,
            "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                      "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                      "vocab": self.vocabulary, "merges": [" ".join(pair) for pair in self.merges]},
        }
        path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path):
        document = json.loads(path.read_text(encoding="utf-8"))
        return cls([tuple(pair.split(" ")) for pair in document["model"]["merges"]])
