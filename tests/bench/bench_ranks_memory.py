#!/usr/bin/env python3
"""Peak memory of each of two ranks that train a model, beside what --dry-run says beforehand: plain, with the optimiser's
moments shared out, and with activations computed again as well.

Usage: bench_ranks_memory.py MODEL TEXT... [--steps 6]     MODEL: a checkpoint folder, such as `temper import` writes
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEMPER = os.environ.get("TEMPER", str(ROOT / "build/release/temper"))
EXPERIMENT = """\
experiment: memory
seed: 1
threads: 1
model: {{checkpoint: {model}}}
tokenizer: {{checkpoint: {model}}}
datasets:
  texts: {{plugin: text, path: [{texts}], split_on: blank_line, min_chars: 40}}
stages:
  pretrain: {{data: [texts], steps: {steps}, batch_size: 2, context: 256, warmup_steps: 1, learning_rate: 1e-5, log_every: 2,
             validation_batches: 0, checkpoint_every: 0}}
"""
SHARD = ["--set", "stages.pretrain.shard_optimizer=true"]
VARIANTS = {"plain": [], "shard_optimizer": SHARD,
            "shard_optimizer, activation_checkpointing": [*SHARD, "--set", "stages.pretrain.activation_checkpointing=true"]}


def peaks_of(launcher):
    """Largest resident memory so far of each process that the launcher started, in MiB, by process id."""
    peaks = {}
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]) != launcher.pid:
                continue
            peak = re.search(r"VmHWM:\s+(\d+) kB", (entry / "status").read_text())
            if peak:
                peaks[entry.name] = int(peak.group(1)) / 1024
        except (OSError, IndexError, ValueError):
            continue
    return peaks


def seen(folder, name, args):
    launcher = subprocess.Popen([TEMPER, "run", folder / "memory.yaml", "--out", folder / name, "--no-cache", "--quiet", "--nproc",
                                 "2", *args], stdout=subprocess.DEVNULL)
    peaks = {}
    while launcher.poll() is None:
        peaks.update(peaks_of(launcher))
        time.sleep(0.05)
    if launcher.returncode != 0:
        sys.exit(f"the run with {name} ended with {launcher.returncode}")
    return sorted(peaks.values())


def said(folder, args):
    plan = subprocess.run([TEMPER, "run", folder / "memory.yaml", "--dry-run", "--nproc", "2", *args], text=True, check=True,
                          capture_output=True).stdout
    return plan[plan.index("memory in MiB"):].strip()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("texts", nargs="+")
    parser.add_argument("--steps", type=int, default=6)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        texts = ", ".join(str(pathlib.Path.cwd() / text) for text in options.texts)
        (folder / "memory.yaml").write_text(EXPERIMENT.format(model=pathlib.Path(options.model).resolve(), texts=texts,
                                                              steps=options.steps))
        for number, (variant, args) in enumerate(VARIANTS.items()):
            peaks = seen(folder, str(number), args)
            print(f"{variant}: peaks of {', '.join(f'{peak:.0f}' for peak in peaks)} MiB\n{said(folder, args)}\n", flush=True)


if __name__ == "__main__":
    main()
