#!/usr/bin/env python3
"""F32 GGUF of a Llama model in, the same model with shuffled channels out: the function stays, groups of 4-bit weights do not.

python3 shuffle_channels.py IN.gguf OUT.gguf      needs numpy and gguf
"""
import sys

import numpy as np
from gguf import GGUFReader


def main(source, target):
    with open(source, "rb") as file:
        data = bytearray(file.read())
    with open(target, "wb") as file:
        file.write(data)
    original = {tensor.name: tensor for tensor in GGUFReader(source).tensors}
    reader = GGUFReader(target, "r+")
    fields = {key: field.parts[field.data[0]][0] for key, field in reader.fields.items() if key.startswith("llama.")}
    hidden, width = int(fields["llama.embedding_length"]), int(fields["llama.feed_forward_length"])
    heads, kv = int(fields["llama.attention.head_count"]), int(fields["llama.attention.head_count_kv"])
    size = hidden // heads
    random = np.random.default_rng(1)
    stream = random.permutation(hidden)
    inner = {}
    for tensor in reader.tensors:
        name = tensor.name
        x = np.array(original[name].data, dtype=np.float32)
        layer = name.rsplit(".", 2)[0]
        if layer.startswith("blk.") and layer not in inner:
            values = [random.permutation(size) for _ in range(kv)]
            inner[layer] = (
                random.permutation(width),
                np.concatenate([h * size + values[h] for h in range(kv)]),
                np.concatenate([h * size + values[h // (heads // kv)] for h in range(heads)]))
        if "norm" in name:
            x = x[stream]
        elif name == "token_embd.weight" or any(part in name for part in ("attn_q.", "attn_k.", "attn_v.", "ffn_gate.", "ffn_up.")):
            x = x[:, stream]
        if "attn_v." in name:
            x = x[inner[layer][1]]
        elif "ffn_gate." in name or "ffn_up." in name:
            x = x[inner[layer][0]]
        elif "attn_output." in name:
            x = x[stream][:, inner[layer][2]]
        elif "ffn_down." in name:
            x = x[stream][:, inner[layer][0]]
        tensor.data[:] = x
    reader.data.flush()


main(*sys.argv[1:])
