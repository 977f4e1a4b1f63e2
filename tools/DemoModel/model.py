"""The network: a Llama-style transformer whose parameters carry the Hugging Face names' meaning (fused here for speed)."""
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass(frozen=True)
class Shape:
    vocabulary: int = 2048
    hidden: int = 256
    layers: int = 4
    query_heads: int = 4
    key_heads: int = 2
    head: int = 64
    feed_forward: int = 704
    rope_theta: float = 10000.0
    epsilon: float = 1e-5
    positions: int = 1024


class RmsNorm(nn.Module):
    def __init__(self, width, epsilon):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.epsilon) * self.weight


def rotate(x, cos, sin):
    """RoPE in the Hugging Face layout: the first half of a head is rotated against the second."""
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-second, first), dim=-1) * sin


class Layer(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        heads = shape.query_heads + 2 * shape.key_heads
        self.attention_norm = RmsNorm(shape.hidden, shape.epsilon)
        self.qkv = nn.Linear(shape.hidden, heads * shape.head, bias=False)
        self.out = nn.Linear(shape.query_heads * shape.head, shape.hidden, bias=False)
        self.mlp_norm = RmsNorm(shape.hidden, shape.epsilon)
        self.gate_up = nn.Linear(shape.hidden, 2 * shape.feed_forward, bias=False)
        self.down = nn.Linear(shape.feed_forward, shape.hidden, bias=False)

    def forward(self, x, cos, sin, mask, cache=None):
        shape = self.shape
        batch, length, _ = x.shape
        qkv = self.qkv(self.attention_norm(x)).view(batch, length, -1, shape.head).transpose(1, 2)
        rotated = rotate(qkv[:, :shape.query_heads + shape.key_heads], cos.to(qkv.dtype), sin.to(qkv.dtype))
        query, key = rotated.split([shape.query_heads, shape.key_heads], dim=1)
        value = qkv[:, shape.query_heads + shape.key_heads:]
        if cache is not None:
            if cache:
                key, value = torch.cat((cache[0], key), 2), torch.cat((cache[1], value), 2)
            cache[:] = [key, value]
        # The query heads of one group read the same key head, so they are laid out as extra rows of one product.
        group = shape.query_heads // shape.key_heads
        query = query.reshape(batch * shape.key_heads, group * length, shape.head)
        key = key.reshape(batch * shape.key_heads, -1, shape.head)
        value = value.reshape(batch * shape.key_heads, -1, shape.head)
        scores = torch.bmm(query * (1 / math.sqrt(shape.head)), key.transpose(1, 2)) + mask.to(query.dtype)
        mixed = torch.bmm(torch.softmax(scores, dim=-1), value)
        mixed = mixed.view(batch, shape.query_heads, length, shape.head).transpose(1, 2).reshape(batch, length, -1)
        x = x + self.out(mixed)
        gate, up = self.gate_up(self.mlp_norm(x)).chunk(2, dim=-1)
        return x + self.down(F.silu(gate) * up)


class DemoModel(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocabulary, shape.hidden)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = RmsNorm(shape.hidden, shape.epsilon)
        nn.init.normal_(self.embedding.weight, std=0.02)
        for name, weight in self.named_parameters():
            if weight.dim() == 2 and "embedding" not in name:
                deep = name.endswith(("out.weight", "down.weight"))
                nn.init.normal_(weight, std=0.04 / (math.sqrt(2 * shape.layers) if deep else 1))
        frequency = shape.rope_theta ** (-torch.arange(0, shape.head, 2).float() / shape.head)
        angle = torch.outer(torch.arange(shape.positions).float(), frequency).repeat(1, 2)
        self.register_buffer("cos", angle.cos(), persistent=False)
        self.register_buffer("sin", angle.sin(), persistent=False)

    def forward(self, ids, caches=None):
        """Final hidden states; multiply by the embedding table for logits."""
        length = ids.shape[1]
        start = caches[0][0].shape[2] if caches and caches[0] else 0
        cos, sin = self.cos[start:start + length], self.sin[start:start + length]
        group = self.shape.query_heads // self.shape.key_heads
        mask = torch.full((length, start + length), float("-inf")).triu(start + 1).repeat(group, 1).unsqueeze(0)
        x = self.embedding(ids)
        for index, layer in enumerate(self.layers):
            x = layer(x, cos, sin, mask, caches[index] if caches else None)
        return self.norm(x)

    def logits(self, hidden):
        return hidden @ self.embedding.weight.t()

    @torch.no_grad()
    def greedy(self, ids, end, limit=220):
        """The likeliest continuation of one prompt, without the end token."""
        caches, answer, step = [[] for _ in self.layers], [], list(ids)
        while len(answer) < limit and len(ids) + len(answer) < self.shape.positions:
            hidden = self.forward(torch.tensor([step]), caches)
            token = int(self.logits(hidden[:, -1]).argmax())
            if token == end:
                break
            answer.append(token)
            step = [token]
        return answer
