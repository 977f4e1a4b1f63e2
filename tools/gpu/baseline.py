"""The seed's own way on the same checkpoint: AutoModelForCausalLM.generate; and the table of all results.

baseline.py CHECKPOINT --json FILE [--batches 1 16 64] [--tokens 128] [--modes eager static compiled] [--device cpu]
baseline.py --report OUT
"""
import argparse
import glob
import json
import os
import time

PROMPT_TOKENS = 32


class Clock:
    """Called with the logits of every token: notes when the first are there, so that the prefill is not counted."""

    def __init__(self, wait):
        self.wait, self.first = wait, None

    def __call__(self, ids, scores):
        if self.first is None:
            self.wait()
            self.first = time.perf_counter()
        return scores


def measure(checkpoint, batches, tokens, modes, device, save):
    import torch
    import transformers

    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    name = torch.cuda.get_device_name() if device == "cuda" else device
    result = dict(torch=torch.__version__, transformers=transformers.__version__, device=name, rows=[])
    model = transformers.AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.bfloat16).to(device).eval()
    # Random weights may say the end at any time; every answer has all its tokens.
    model.generation_config.eos_token_id = None
    for mode in modes:
        settings = dict(do_sample=False, max_new_tokens=tokens, pad_token_id=0)
        if mode != "eager":
            settings["cache_implementation"] = "static"
        if mode == "static":
            settings["disable_compile"] = True
        if mode == "compiled" and device == "cpu":
            # Of its own, transformers compiles for accelerators only.
            settings["compile_config"] = transformers.CompileConfig()
            settings["compile_config"]._compile_all_devices = True
        for batch in batches:
            torch.manual_seed(batch)
            ids = torch.randint(0, model.config.vocab_size, (batch, PROMPT_TOKENS), device=device)
            row = dict(mode=mode, batch=batch)
            started = time.perf_counter()
            try:
                # What the first calls take is warming up and, where asked for, compiling.
                for _ in range(1 if mode == "eager" else 2):
                    model.generate(ids, attention_mask=torch.ones_like(ids), **settings)
                wait()
                row["warm_up_seconds"] = time.perf_counter() - started
                clock = Clock(wait)
                processors = transformers.LogitsProcessorList([clock])
                answer = model.generate(ids, attention_mask=torch.ones_like(ids), logits_processor=processors, **settings)
                wait()
                seconds = time.perf_counter() - clock.first
                if answer.shape != (batch, PROMPT_TOKENS + tokens):
                    raise ValueError(f"an answer of {tuple(answer.shape)}")
                row["tokens_per_second"] = batch * (tokens - 1) / seconds
            except Exception as error:  # a mode that this version cannot do is a result, too
                row["error"] = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            result["rows"].append(row)
            print(row, flush=True)
            # Whoever runs out of time keeps what there is.
            save(result)


def load(path):
    try:
        with open(path) as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


def report(out):
    base = {}
    data = load(os.path.join(out, "baseline.json"))
    for row in (data or {}).get("rows", []):
        base[row["mode"], row["batch"]] = row.get("tokens_per_second")
    print("## Correctness\n\n| model | precision | check | cases | worst relative | rounding | identical | passed |\n|---|---|---|---|---|---|---|---|")
    for path in sorted(glob.glob(os.path.join(out, "check-*.json"))):
        groups = {}
        for row in load(path) or []:
            groups.setdefault((row["precision"], row["check"]), []).append(row)
        for (precision, check), rows in groups.items():
            print(f"| {os.path.basename(path)[6:-5].split('-')[0]} | {precision} | {check} | {len(rows)} | {max(r['relative'] for r in rows):.1e} "
                  f"| {rows[0]['tolerance']:.1e} | {sum(r['identical'] for r in rows)} | {sum(r['passed'] for r in rows)} |")
    print("\n## Speed\n\nTokens per second; share: bytes a decode step must read / time / measured copy bandwidth.\n")
    print("| run | precision | step | sequences | ms | tok/s | share | × transformers eager | static | compiled |\n|---|---|---|---|---|---|---|---|---|---|")
    engine = {}
    for path in sorted(glob.glob(os.path.join(out, "bench-*.json")) + glob.glob(os.path.join(out, "eager-*.json"))):
        run = os.path.basename(path).split("-")[0]
        for result in load(path) or []:
            precision = os.path.basename(path)[len(run) + 1:-5]
            for row in result["steps"] + result["engine"]:
                share = f"{100 * result['bandwidth_shares'][str(row['sequences'])]:.0f} %" if row["kind"] == "decode" else ""
                ratios = []
                for mode in ("eager", "static", "compiled"):
                    value = base.get((mode, row["sequences"])) if row["kind"] != "prefill" else None
                    ratios.append(f"{row['tokens_per_second'] / value:.1f}" if value else "")
                if row["kind"] == "engine" and run == "bench":
                    engine[precision, row["sequences"]] = row["tokens_per_second"]
                size = row["tokens"] if row["kind"] == "prefill" else row["sequences"]
                print(f"| {run} | {precision} | {row['kind']} | {size} | {row['step_ms']:.3f} | {row['tokens_per_second']:.0f} | {share} "
                      f"| {' | '.join(ratios)} |")
    for path in sorted(glob.glob(os.path.join(out, "bench-*.json")) + glob.glob(os.path.join(out, "eager-*.json"))):
        for result in load(path) or []:
            if result.get("error"):
                print(f"\n{os.path.basename(path)} ended early: {result['error']}")
    print("\n| stack, precision | streams | decode tok/s | of the engine | tok/s with prefill | TTFT p50 ms |\n|---|---|---|---|---|---|")
    for path in sorted(glob.glob(os.path.join(out, "stack-*.json"))):
        precision = os.path.basename(path)[6:-5]
        for row in (load(path) or {}).get("levels", []):
            whole = engine.get((precision, row["streams"]))
            share = f"{100 * row['steady_tokens_per_second'] / whole:.0f} %" if whole else ""
            print(f"| {precision} | {row['streams']} | {row['steady_tokens_per_second']:.0f} | {share} | {row['tokens_per_second']:.0f} "
                  f"| {row['first_token']['p50_ms']:.1f} |")
    if data:
        print(f"\ntransformers {data['transformers']}, torch {data['torch']}, {data['device']}, bf16, greedy, batch of equal prompts:\n")
        print("| mode | batch | tok/s |\n|---|---|---|")
        for row in data["rows"]:
            value = f"{row['tokens_per_second']:.0f}" if "tokens_per_second" in row else row["error"].replace("|", "\\|")
            print(f"| {row['mode']} | {row['batch']} | {value} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoint", nargs="?")
    parser.add_argument("--json")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--modes", nargs="+", default=["eager", "static", "compiled"])
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--report")
    arguments = parser.parse_args()
    if arguments.report:
        report(arguments.report)
    else:
        def save(result):
            with open(arguments.json + ".new", "w") as file:
                json.dump(result, file, indent=2)
            os.replace(arguments.json + ".new", arguments.json)

        measure(arguments.checkpoint, arguments.batches, arguments.tokens, arguments.modes, arguments.device, save)
