"""Adds a random head for further tokens to a GGUF file of Qwen3.5's shape, in Q4_0, for `Benchmarks drafts` (needs the gguf wheel and numpy).

python random_head.py MODEL.gguf OUT.gguf
"""
import sys

import gguf
import numpy as np

source, out = sys.argv[1:3]
reader = gguf.GGUFReader(source)
architecture = reader.fields["general.architecture"].contents()
writer = gguf.GGUFWriter(out, architecture)
layers = reader.fields[f"{architecture}.block_count"].contents()
for name, field in reader.fields.items():
    if name.startswith("GGUF.") or name == "general.architecture":
        continue
    kind = field.types[0]
    value = layers + 1 if name == f"{architecture}.block_count" else field.contents()
    writer.add_key_value(name, value, kind, field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None)
writer.add_uint32(f"{architecture}.nextn_predict_layers", 1)
tensors = {tensor.name: tensor for tensor in reader.tensors}
for tensor in reader.tensors:
    writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)

random = np.random.default_rng(2)
attention = next(name.split(".")[1] for name in tensors if name.endswith(".attn_q.weight"))
hidden = int(tensors["output_norm.weight"].shape[0])


def matrix(name, rows, columns):
    count = rows * columns // 32
    blocks = random.integers(0, 256, (count, 18), dtype=np.uint8)
    blocks[:, :2] = (random.uniform(0.5, 1.5, (count, 1)) * 0.004).astype(np.float16).view(np.uint8)
    writer.add_tensor(name, blocks.reshape(rows, columns // 32 * 18), raw_dtype=gguf.GGMLQuantizationType.Q4_0)


# A layer as those with attention, and what is before and behind it.
for name, tensor in tensors.items():
    if name.split(".")[:2] != ["blk", attention]:
        continue
    own = name.replace(f"blk.{attention}.", f"blk.{layers}.")
    if len(tensor.shape) == 1:
        writer.add_tensor(own, np.ones(int(tensor.shape[0]), np.float32))
    else:
        matrix(own, int(tensor.shape[1]), int(tensor.shape[0]))
matrix(f"blk.{layers}.nextn.eh_proj.weight", hidden, 2 * hidden)
for norm in ("enorm", "hnorm", "shared_head_norm"):
    writer.add_tensor(f"blk.{layers}.nextn.{norm}.weight", np.ones(hidden, np.float32))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
