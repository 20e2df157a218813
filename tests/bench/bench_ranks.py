#!/usr/bin/env python3
"""Training speed of two ranks with one thread each against one rank with two threads, in turn on the same machine, and what
sharing out the optimiser and computing activations again save: a gpt of about 30 million parameters.

Usage: bench_ranks.py TEXT... [--rounds 3] [--steps 14]       TEXT: files or globs to train on, relative to this folder
"""
import argparse
import pathlib
import statistics
import subprocess
import sys
import tempfile

import h5py

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEMPER = ROOT / "build/release/temper"
EXPERIMENT = """\
experiment: ranks
seed: 1
model: {{plugin: gpt, d_model: 512, num_layers: 8, num_heads: 8, max_positions: 512}}
tokenizer: {{plugin: sentencepiece, vocab_size: 8000, data: [texts]}}
datasets:
  texts: {{plugin: text, path: [{texts}], split_on: blank_line, min_chars: 40}}
stages:
  pretrain: {{data: [texts], steps: {steps}, batch_size: 8, context: 512, warmup_steps: 5, log_every: 2,
             validation_batches: 0, checkpoint_every: 0}}
"""
VARIANTS = {
    "1 rank": [],
    "2 ranks": ["--nproc", "2"],
    "2 ranks, shard_optimizer": ["--nproc", "2", "--set", "stages.pretrain.shard_optimizer=true"],
    "2 ranks, both": ["--nproc", "2", "--set", "stages.pretrain.shard_optimizer=true", "--set",
                      "stages.pretrain.activation_checkpointing=true"],
    "1 rank, activation_checkpointing": ["--set", "stages.pretrain.activation_checkpointing=true"],
}


def run(folder, number, args):
    out = folder / f"{number}"
    subprocess.run([TEMPER, "run", folder / "ranks.yaml", "--out", out, "--cache", folder / "cache", "--no-cache", "--quiet",
                    *args], check=True, stdout=subprocess.DEVNULL)
    with h5py.File(next(out.glob("ranks/*.h5"))) as record:
        rows = record["stages/pretrain/log/tokens_per_second"][:]
    # The first point has the warming up of memory and kernels in it.
    return statistics.median(float(row["value"]) for row in rows[1:])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("texts", nargs="+")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=14)
    options = parser.parse_args()
    speeds = {name: [] for name in VARIANTS}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        texts = ", ".join(str((pathlib.Path.cwd() / text)) for text in options.texts)
        (folder / "ranks.yaml").write_text(EXPERIMENT.format(texts=texts, steps=options.steps))
        number = 0
        for _ in range(options.rounds):
            for variant, args in VARIANTS.items():
                speeds[variant].append(run(folder, number, args))
                number += 1
        plan = subprocess.run([TEMPER, "run", folder / "ranks.yaml", "--dry-run", "--nproc", "2"], text=True, check=True,
                              capture_output=True).stdout
    for variant, values in speeds.items():
        pairs = [ours / base for ours, base in zip(values, speeds["1 rank"])]
        print(f"{variant:34} {statistics.median(values):8.0f} tokens/s   of 1 rank: median {statistics.median(pairs):.3f} "
              f"(min {min(pairs):.3f}, max {max(pairs):.3f})")
    print(plan[plan.index("memory in MiB"):])


if __name__ == "__main__":
    sys.exit(main())
