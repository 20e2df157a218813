#!/usr/bin/env python3
"""Every file under experiments/ resolves; the one with all preference methods and the sweep from pretraining to PPO run from end
to end at a tiny size, so that no experiment rots between its long runs."""
import json
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


def check_ablation(folder):
    """One seed: each stage once, masks that make different models, and the effects that its comment asks for."""
    short = {stage: SHORT[stage] for stage in ("pretrain", "sft", "reward_model", "ppo")}
    sets = TINY + ["datasets.conversations.people=40", "datasets.conversations.rows=150"]
    sets += [f"stages.{stage}.{value}" for stage, values in short.items() for value in values]
    flags = [flag for one in sets for flag in ("--set", one)] + ["--seeds", "1", "--out", folder, "--name", "ablation"]
    path = ROOT / "experiments/ablation_rlhf.yaml"
    whole = tiny.temper("sweep", path, "--dry-run").stdout
    assert "54 runs, 99 distinct of 216 stages" in whole, whole
    halved = tiny.temper("sweep", path, "--halving", "helpfulness.helpfulness:max", "--halving-rungs", "sft", "--dry-run").stdout
    assert "rung sft: of up to 9 cells up to 3 go on" in halved, halved
    done = tiny.temper("sweep", path, *flags, "--jobs", "2")
    assert "18 of 18 runs complete" in done.stdout, done.stdout
    stages = [json.loads(entry.read_text())["stage"] for entry in folder.glob("cache/stages/*/done.json")]
    counts = {stage: stages.count(stage) for stage in set(stages)}
    # What a run has alone is computed in the cache as well: 18 policies on 9 tuned models on 3 pretrained ones.
    assert counts == {"pretrain": 3, "reward_model": 3, "sft": 9, "ppo": 18}, counts
    weights = {}
    for entry in folder.glob("ablation/*/sft/final/model.safetensors"):
        weights.setdefault(entry.read_bytes(), []).append(entry.parts[-4])
    assert len(weights) == 9 and all(len(runs) == 2 for runs in weights.values()), weights.values()
    effects = tiny.temper("compare", folder / "ablation", "--effects", "--metric", "^helpfulness$", "--by",
                          "stages.pretrain.objective,stages.sft.loss_on,stages.ppo.kl_coef", "--format", "json").stdout
    (metric,) = json.loads(effects)["metrics"]
    assert len(metric["levels"]) == 8 and all(level["runs"] > 5 for level in metric["levels"]), metric["levels"]


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
        check_ablation(pathlib.Path(name) / "own")
    print("all experiments resolve; preference_methods and ablation_rlhf run")


main()
