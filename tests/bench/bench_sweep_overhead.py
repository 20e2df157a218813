#!/usr/bin/env python3
"""What a sweep costs beside its stages, in two parts, for experiments/ablation_rlhf.yaml at a small size and without evaluators.
First without anything to share: one cell with several seeds as a sweep of one job, where each stage has a process of its own,
against the same runs one after the other by `temper run`. Then the whole grid of one seed: how many stages are computed.
Usage: bench_sweep_overhead.py [path of temper] [seeds] [scale]   (2 seeds; scale multiplies the steps)
Reach: at most 1.05 times the stages; at scale 1 they take about ten seconds each, the real ones minutes."""
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))
import tiny

SETS = ["threads=1", "model.d_model=64", "model.num_layers=2", "model.num_heads=2", "tokenizer.vocab_size=800"]
STEPS = {"pretrain.steps": 100, "reward_model.steps": 50, "sft.steps": 100, "ppo.iterations": 8}


def costs(commands):
    """Seconds on the clock, and of processors: the second is what a busy machine does not blur."""
    def processors():
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime
    start, before = time.time(), processors()
    for command in commands:
        subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
    return time.time() - start, processors() - before


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else tiny.TEMPER
    seeds = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    scale = float(sys.argv[3]) if len(sys.argv) > 3 else 1
    text = (ROOT / "experiments/ablation_rlhf.yaml").read_text()
    stages, section = text[:text.index("\nevaluators:")], text[text.index("\nsweep:"):]

    def flags(scale):
        sets = SETS + [f"stages.{key}={max(1, round(value * scale))}" for key, value in STEPS.items()]
        return [flag for one in sets for flag in ("--set", one)] + ["--quiet"]

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        plain, grid = folder / "plain.yaml", folder / "grid.yaml"
        plain.write_text(stages)
        grid.write_text(stages + section)
        runs = costs([program, "run", plain, "--seed", seed, *flags(scale), "--out", folder / "a"]
                     for seed in range(1, seeds + 1))
        sweep = costs([[program, "sweep", plain, "--seeds", f"1..{seeds}", *flags(scale), "--jobs", "1", "--out", folder / "b"]])
        for label, at in (("on the clock", 0), ("of processors", 1)):
            print(f"{4 * seeds} stages, nothing shared, {label}: runs {runs[at]:.1f} s, sweep {sweep[at]:.1f} s, "
                  f"{sweep[at] / runs[at]:.3f} times; {(sweep[at] - runs[at]) / 3 / seeds:.2f} s for each further process")
        costs([[program, "sweep", grid, "--seeds", "1", *flags(0.02), "--jobs", os.cpu_count(), "--out", folder / "c"]])
        computed = [json.loads(path.read_text())["stage"] for path in (folder / "c").glob("cache/stages/*/done.json")]
        print(f"the grid's 18 runs of 72 stages computed {len(computed)} stages")


main()
