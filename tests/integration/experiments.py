#!/usr/bin/env python3
"""Every file under experiments/ resolves, and the one with all preference methods runs from end to end at a tiny size, so that
no experiment rots between its long runs."""
import pathlib
import tempfile

import tiny

ROOT = pathlib.Path(__file__).resolve().parents[2]
TINY = ["threads=1", "model.d_model=32", "model.num_layers=1", "model.num_heads=2", "tokenizer.vocab_size=600",
        "datasets.townsfolk.people=40", "datasets.townsfolk.rows=150", "datasets.townsfolk.pairs=150",
        "datasets.townsfolk.items=8"]
SHORT = {"pretrain": ["steps=3", "batch_size=2"], "sft": ["steps=3", "batch_size=2"],
         "reward_model": ["steps=3", "batch_size=2", "validation_batches=1"],
         "dpo": ["steps=3", "batch_size=2", "validation_batches=1"],
         "ppo": ["iterations=2", "answers_per_iteration=8", "minibatch_size=8", "max_new_tokens=8"],
         "grpo": ["iterations=2", "answers_per_iteration=8", "minibatch_size=8", "max_new_tokens=8"]}


def main():
    for path in sorted((ROOT / "experiments").glob("*.yaml")):
        done = tiny.temper("run", path, "--dry-run", check=False)
        if done.returncode == 2 and "checkpoint" in done.stderr and "temper import" in done.stderr:
            print(f"{path.name}: needs a checkpoint that is not there; its message says how to make it")
            continue
        assert done.returncode == 0, f"{path.name}: {done.stderr}"
    sets = TINY + [f"stages.{stage}.{value}" for stage, values in SHORT.items() for value in values]
    with tempfile.TemporaryDirectory() as name:
        flags = [flag for one in sets for flag in ("--set", one)]
        done = tiny.temper("run", ROOT / "experiments/preference_methods.yaml", *flags, "--out", name)
        for word in ("sft", "ppo", "grpo", "dpo", "helpfulness", "safety"):
            assert word in done.stdout, f"'{word}' is missing in\n{done.stdout}"
    print("all experiments resolve; preference_methods runs")


main()
