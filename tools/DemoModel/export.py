"""Writes a trained model as an ordinary Hugging Face folder, and reads it back for scoring."""
import json
import struct
from pathlib import Path

import torch

from model import DemoModel, Shape
from tokenizer import Tokenizer

TEMPLATE = Path(__file__).parent / "chat_template.jinja"
BEGIN, END, PAD = "<|begin|>", "<|end|>", "<|pad|>"


def named_tensors(model):
    """Hugging Face names and tensors: the fused projections are split here."""
    shape = model.shape
    query, key = shape.query_heads * shape.head, shape.key_heads * shape.head
    yield "model.embed_tokens.weight", model.embedding.weight
    for index, layer in enumerate(model.layers):
        prefix = f"model.layers.{index}."
        for name, part in zip("qkv", layer.qkv.weight.split([query, key, key])):
            yield f"{prefix}self_attn.{name}_proj.weight", part
        yield prefix + "self_attn.o_proj.weight", layer.out.weight
        for name, part in zip(("gate", "up"), layer.gate_up.weight.chunk(2)):
            yield f"{prefix}mlp.{name}_proj.weight", part
        yield prefix + "mlp.down_proj.weight", layer.down.weight
        yield prefix + "input_layernorm.weight", layer.attention_norm.weight
        yield prefix + "post_attention_layernorm.weight", layer.mlp_norm.weight
    yield "model.norm.weight", model.norm.weight


def write_safetensors(path, tensors):
    header, blobs, offset = {"__metadata__": {"format": "pt"}}, [], 0
    for name, tensor in tensors:
        blob = tensor.detach().to(torch.bfloat16).contiguous().view(torch.int16).numpy().tobytes()
        header[name] = {"dtype": "BF16", "shape": list(tensor.shape), "data_offsets": [offset, offset + len(blob)]}
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def read_safetensors(path):
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        first, last = (8 + length + offset for offset in entry["data_offsets"])
        raw = torch.frombuffer(bytearray(data[first:last]), dtype=torch.int16)
        tensors[name] = raw.view(torch.bfloat16).float().view(entry["shape"])
    return tensors


def write_json(path, document):
    path.write_text(json.dumps(document, indent=2) + "\n")


def export_folder(model, tokenizer, folder):
    folder.mkdir(parents=True, exist_ok=True)
    shape, special = model.shape, tokenizer.special
    write_safetensors(folder / "model.safetensors", list(named_tensors(model)))
    tokenizer.save(folder / "tokenizer.json")
    (folder / "chat_template.jinja").write_text(TEMPLATE.read_text())
    write_json(folder / "config.json", {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "attention_bias": False, "attention_dropout": 0.0,
        "bos_token_id": special[BEGIN], "eos_token_id": special[END], "pad_token_id": special[PAD], "head_dim": shape.head,
        "hidden_act": "silu", "hidden_size": shape.hidden, "initializer_range": 0.02, "intermediate_size": shape.feed_forward,
        "max_position_embeddings": shape.positions, "mlp_bias": False, "num_attention_heads": shape.query_heads,
        "num_hidden_layers": shape.layers, "num_key_value_heads": shape.key_heads, "rms_norm_eps": shape.epsilon,
        "rope_scaling": None, "rope_theta": shape.rope_theta, "tie_word_embeddings": True, "torch_dtype": "bfloat16",
        "use_cache": True, "vocab_size": shape.vocabulary})
    write_json(folder / "generation_config.json", {
        "bos_token_id": special[BEGIN], "eos_token_id": [special[END]], "pad_token_id": special[PAD],
        "do_sample": True, "temperature": 0.3, "top_k": 50, "top_p": 0.9})
    write_json(folder / "special_tokens_map.json", {"bos_token": BEGIN, "eos_token": END, "pad_token": PAD})
    write_json(folder / "tokenizer_config.json", {
        "added_tokens_decoder": {str(index): {"content": token, "lstrip": False, "normalized": False, "rstrip": False,
                                              "single_word": False, "special": True} for token, index in special.items()},
        "bos_token": BEGIN, "eos_token": END, "pad_token": PAD, "clean_up_tokenization_spaces": False,
        "model_input_names": ["input_ids", "attention_mask"], "model_max_length": shape.positions,
        "tokenizer_class": "PreTrainedTokenizerFast"})


def load_folder(folder):
    """The exported model (its bf16 weights, computed in fp32) and its tokenizer."""
    config = json.loads((folder / "config.json").read_text())
    tensors = read_safetensors(folder / "model.safetensors")
    model = DemoModel(Shape(config["vocab_size"], config["hidden_size"], config["num_hidden_layers"], config["num_attention_heads"],
                            config["num_key_value_heads"], config["head_dim"], config["intermediate_size"]))
    with torch.no_grad():
        # Same walk as in writing: every part is a view into a fused matrix.
        for name, part in named_tensors(model):
            part.copy_(tensors.pop(name))
    if tensors:
        raise ValueError(f"unexpected tensors: {sorted(tensors)}")
    return model.eval(), Tokenizer.load(folder / "tokenizer.json")
