"""Trains the demo model: corpus -> tokenizer -> weights, then exports a Hugging Face folder. One fixed seed.

The second stage continues from the checkpoint of the first (--start) with a new warm-up on the corpus of write_varied.py.
"""
import argparse
import json
import math
import platform
import random
import shutil
import time
from pathlib import Path

import torch
import torch.nn.functional as F

from export import export_folder
from model import DemoModel, Shape
from tokenizer import Tokenizer, learn_merges, SPECIAL_TOKENS

TOKENIZER_CONVERSATIONS = 20_000
NOISE = 0.03  # share of the user's tokens replaced by random ones, so that no single token decides the topic
IGNORED = -100


def load_or_learn_tokenizer(path, conversations, vocabulary):
    if not path.exists():
        texts = (message["content"] for talk in conversations[:TOKENIZER_CONVERSATIONS] for message in talk)
        Tokenizer(learn_merges(texts, vocabulary - 256 - len(SPECIAL_TOKENS))).save(path)
    return Tokenizer.load(path)


def make_batches(samples, budget, rng):
    """Batches of samples of similar length, at most `budget` tokens each, in random order."""
    order = list(range(len(samples)))
    rng.shuffle(order)
    pool = 4096
    batches = []
    for start in range(0, len(order), pool):
        batch, longest = [], 0
        for index in sorted(order[start:start + pool], key=lambda index: len(samples[index][0])):
            longest = max(longest, len(samples[index][0]))
            if batch and longest * (len(batch) + 1) > budget:
                batches.append(batch)
                batch, longest = [], len(samples[index][0])
            batch.append(index)
        batches.append(batch)
    rng.shuffle(batches)
    return batches


def to_tensors(samples, pad, vocabulary, generator):
    longest = max(len(ids) for ids, _ in samples)
    inputs = torch.full((len(samples), longest), pad)
    targets = torch.full((len(samples), longest), IGNORED)
    readable = torch.zeros((len(samples), longest), dtype=torch.bool)
    for row, (ids, produced) in enumerate(samples):
        ids, produced = torch.tensor(ids), torch.tensor(produced)
        inputs[row, :len(ids)] = ids
        targets[row, :len(ids) - 1] = torch.where(produced[1:] == 1, ids[1:], IGNORED)
        readable[row, :len(ids)] = (produced == 0) & (ids < pad - 2)
    noisy = readable & (torch.rand(inputs.shape, generator=generator) < NOISE)
    replacement = torch.randint(0, vocabulary - len(SPECIAL_TOKENS), inputs.shape, generator=generator)
    return torch.where(noisy, replacement, inputs), targets


def learning_rate(step, progress, options):
    """Warm-up, then half a cosine down to two percent of the peak."""
    warm = min(1.0, (step + 1) / options.warmup)
    return options.rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="checkpoints and the log")
    parser.add_argument("--out", type=Path, required=True, help="the Hugging Face folder")
    parser.add_argument("--start", type=Path, help="continue from this checkpoint, with the tokenizer beside it")
    parser.add_argument("--steps", type=int, default=3054)
    parser.add_argument("--minutes", type=float, default=1e9, help="end the schedule early on a slow machine")
    parser.add_argument("--tokens", type=int, default=4096, help="tokens in a batch")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--warmup", type=int, default=80)
    parser.add_argument("--seed", type=int, default=20261123)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    rng, generator = random.Random(options.seed), torch.Generator().manual_seed(options.seed)
    log_file = (options.work / "training-log.txt").open("w")

    def log(text):
        print(text, flush=True)
        log_file.write(text + "\n")
        log_file.flush()

    conversations = [json.loads(row) for row in options.corpus.open()]
    if options.start:
        shutil.copy(options.start.parent / "tokenizer.json", options.work)
    tokenizer = load_or_learn_tokenizer(options.work / "tokenizer.json", conversations, Shape.vocabulary)
    samples = [tokenizer.encode_chat(talk) for talk in conversations]
    samples = [sample for sample in samples if len(sample[0]) <= Shape.positions]
    model = DemoModel(Shape(vocabulary=tokenizer.size, layers=options.layers))
    if options.start:
        model.load_state_dict(torch.load(options.start, map_location="cpu"))
    count = sum(weight.numel() for weight in model.parameters())
    processor = next((row.split(":")[1].strip() for row in open("/proc/cpuinfo") if row.startswith("model name")), "?")
    log(f"python {platform.python_version()}, torch {torch.__version__}, {options.threads} threads of {processor}")
    log(f"seed {options.seed}, {count} parameters, {len(samples)} conversations, {sum(len(ids) for ids, _ in samples)} tokens, "
        f"of which {sum(sum(produced) for _, produced in samples)} are learned")

    matrices = [weight for weight in model.parameters() if weight.dim() == 2]
    vectors = [weight for weight in model.parameters() if weight.dim() != 2]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}],
                                  lr=options.rate, betas=(0.9, 0.98))
    pad, start, saved, batches, losses, seen = tokenizer.special["<|pad|>"], time.time(), time.time(), [], [], 0
    step, progress = 0, 0.0
    while progress < 1.0:
        if not batches:
            batches = make_batches(samples, options.tokens, rng)
        chosen = [samples[index] for index in batches.pop()]
        inputs, targets = to_tensors(chosen, pad, tokenizer.size, generator)
        rate = learning_rate(step, progress, options)
        for group in optimizer.param_groups:
            group["lr"] = rate
        wanted = targets != IGNORED
        # bf16 products are four times as fast here; weights, gradients and the loss stay in fp32.
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model.logits(model(inputs)[wanted])
        loss = F.cross_entropy(logits.float(), targets[wanted])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        seen += inputs.numel()
        step += 1
        progress = max(step / options.steps, (time.time() - start) / 60 / options.minutes)
        if step % 50 == 0 or progress >= 1.0:
            log(f"step {step:5d}  loss {sum(losses) / len(losses):.4f}  rate {rate:.2e}  {time.time() - start:6.0f} s  {seen} tokens")
            losses = []
        if time.time() - saved > 180:
            torch.save(model.state_dict(), options.work / "checkpoint.pt")
            saved = time.time()
    torch.save(model.state_dict(), options.work / "checkpoint.pt")
    export_folder(model, tokenizer, options.out)
    log(f"done: {step} steps in {(time.time() - start) / 60:.1f} minutes, exported")


if __name__ == "__main__":
    main()
