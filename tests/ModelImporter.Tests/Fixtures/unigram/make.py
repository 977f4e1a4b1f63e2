"""Makes cases.json.gz: a small Unigram vocabulary, and what its references make of texts.

Needs spm_train and spm_encode (Debian: sentencepiece 0.1.97) and Python's tokenizers 0.23.3, transformers 5.23.0 and protobuf; run from the
repository's root. The vocabulary is trained on this project's own pages, and its character map has a few rules of our own.
"""

import base64, gzip, json, random, re, subprocess, tempfile, pathlib

from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import Unigram
from transformers.convert_slow_tokenizer import import_protobuf

RULES = {"ﬁ": "fi", "ﬂ": "fl", "…": "...", "Ａ": "A", "１": "1", "\u00a0": " ", "\u3000": " ", "\t": " ", "\n": " ", "½": "1⁄2",
         "①": "1", "\u200b": "", "e\u0301": "é", "ß": "ss", "ΐ": "ι\u0308\u0301"}
FLAGS = [(True, True), (True, False), (False, True), (False, False)]
SENTINELS = ["<extra_0>", "<extra_1>"]
SEED = 14

folder = pathlib.Path(tempfile.mkdtemp())
pages = [path.read_text() for path in sorted(pathlib.Path("docs").glob("*.md"))] + [pathlib.Path("README.md").read_text()]
(folder / "text.txt").write_text("\n".join(pages))
(folder / "rules.tsv").write_text("".join(
    " ".join("%X" % ord(c) for c in source) + "\t" + " ".join("%X" % ord(c) for c in target) + "\n" for source, target in RULES.items()))
subprocess.run(["spm_train", f"--input={folder}/text.txt", f"--model_prefix={folder}/uni", "--model_type=unigram", "--vocab_size=512",
                f"--normalization_rule_tsv={folder}/rules.tsv", "--pad_id=0", "--eos_id=1", "--unk_id=2", "--bos_id=-1"],
               check=True, capture_output=True)
model = import_protobuf().ModelProto()
model.ParseFromString((folder / "uni.model").read_bytes())
pieces = [(piece.piece, piece.score) for piece in model.pieces]
charsmap = model.normalizer_spec.precompiled_charsmap


def reference(prefix, remove):
    """As transformers' general conversion of SentencePiece models builds it; the whitespace steps only where the model asks for them."""
    tokenizer = Tokenizer(Unigram(pieces + [(text, 0.0) for text in SENTINELS], unk_id=2, byte_fallback=False))
    steps = [normalizers.Precompiled(charsmap)]
    if remove:
        steps += [normalizers.Strip(left=False, right=True), normalizers.Replace(Regex(" {2,}"), "▁")]
    tokenizer.normalizer = normalizers.Sequence(steps)
    scheme = "always" if prefix else "never"
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme=scheme)
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme=scheme)
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    tokenizer.add_special_tokens([AddedToken(text, normalized=False, special=True) for text in ["<pad>", "</s>", "<unk>"]])
    tokenizer.add_tokens([AddedToken(text, normalized=False, special=False) for text in SENTINELS])
    return tokenizer


def as_t5(text):
    """transformers' own T5 class splits at whitespace instead; both must say the same."""
    tokenizer = reference(True, False)
    tokenizer.normalizer = normalizers.Precompiled(charsmap)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")])
    return tokenizer.encode(text).ids


def sentencepiece(texts, prefix, remove):
    model.normalizer_spec.add_dummy_prefix, model.normalizer_spec.remove_extra_whitespaces = prefix, remove
    (folder / "flags.model").write_bytes(model.SerializeToString())
    out = subprocess.run(["spm_encode", f"--model={folder}/flags.model", "--output_format=id"], check=True, capture_output=True,
                         input="\n".join(texts), text=True).stdout
    return [[int(id) for id in line.split()] for line in out.split("\n")[:len(texts)]]


random.seed(SEED)
lines = [line for page in pages for line in page.split("\n") if line.strip()]
alphabet = list(RULES) + list(" ab.é▁<>x漢🙂\u0301") + SENTINELS + ["  ", "the ", "model"]
texts = ["", " ", "a", "  a  b  ", "▁a", "a\nb", "\n\n", "ﬁn", "e\u0301e\u0301", "<unk>", "</s>", "a<extra_0>b <extra_1> c"]
texts += random.sample(lines, 100) + ["".join(random.choices(alphabet, k=random.randint(1, 24))) for _ in range(250)]

cases = []
for prefix, remove in FLAGS:
    tokenizer = reference(prefix, remove)
    ids = [tokenizer.encode(text).ids for text in texts]
    if prefix and remove:
        assert all(as_t5(text) == line for text, line in zip(texts, ids) if "▁" not in text)
    # SentencePiece itself takes a text apart in the same way, where no sentinel and no line break is in it.
    plain = [i for i, text in enumerate(texts) if text.strip() and not re.search(r"<extra_|<unk>|</s>|<pad>|[\n▁]", text)]
    own = sentencepiece([texts[i] for i in plain], prefix, remove)
    wrong = [texts[i] for i, line in zip(plain, own) if line != ids[i][:-1]]
    print(f"add_space_prefix {prefix}, remove_extra_whitespaces {remove}: SentencePiece agrees on {len(plain) - len(wrong)} of {len(plain)}")
    cases.append({"prefix": prefix, "remove": remove, "ids": ids, "decoded": [tokenizer.decode(line, skip_special_tokens=False) for line in ids]})

made = {"pieces": [text for text, _ in pieces] + SENTINELS, "scores": [score for _, score in pieces] + [-1000.0] * len(SENTINELS),
        "types": [piece.type for piece in model.pieces] + [4] * len(SENTINELS), "charsmap": base64.b64encode(charsmap).decode(),
        "texts": texts, "cases": cases}
target = pathlib.Path(__file__).parent / "cases.json.gz"
with open(target, "wb") as file, gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as packed:
    packed.write(json.dumps(made, ensure_ascii=False).encode())
print(f"{target}: {target.stat().st_size} bytes, {len(texts)} texts")
