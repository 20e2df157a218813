#!/usr/bin/env python3
"""kill -9 at random moments of a run through reward model, PPO, GRPO, DPO, KTO and adapters: what resumes ends with the straight run's
weights, heads and log, bit for bit, and so does what is left at a step of each stage and gone on with; so does a judge that learns from labelled answers. Also: the checks before training are in the record (the first ratio is 1 although the
model has dropout, P-PPO-11), and samples of answers."""
import hashlib
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

import tiny

try:
    import h5py
except ImportError:
    print("SKIPPED: Python has no h5py; install python3-h5py")
    sys.exit(77)

KILLS = int(os.environ.get("TEMPER_KILLS", "3"))

EXPERIMENT = """\
experiment: tiny
seed: 3
threads: 1
model: {plugin: gpt, d_model: 32, num_layers: 2, num_heads: 2, max_positions: 256, dropout: 0.1}
tokenizer: {plugin: sentencepiece, vocab_size: 600, data: [townsfolk]}
datasets:
  townsfolk: {people: 40, rows: 200, pairs: 200, items: 20}
stages:
  sft: {data: [townsfolk], steps: 20, batch_size: 2, context: 256, warmup_steps: 5, learning_rate: 3e-3,
        validation_batches: 0}
  reward_model: {from: sft, data: [townsfolk], dimensions: [helpfulness, safety], steps: 20, batch_size: 4, context: 128,
                 warmup_steps: 2, learning_rate: 1e-3, log_every: 1, validation_batches: 2, checkpoint_every: 3}
  judge: {plugin: reward_model, from: sft, data: [townsfolk], loss: binary, normalise: none, steps: 10, batch_size: 8,
          context: 128, warmup_steps: 2, learning_rate: 1e-3, log_every: 1, validation_batches: 2, checkpoint_every: 3,
          lora_rank: 2}
  ppo: {from: sft, reward: [reward_model], prompts: [townsfolk], iterations: 6, answers_per_iteration: 8, minibatch_size: 4,
        epochs: 2, context: 128, max_new_tokens: 12, learning_rate: 1e-4, kl_target: 1, scale_rewards: true,
        whiten_rewards: true, ptx_data: [townsfolk], ptx_coef: 0.1, ptx_batch_size: 2, checkpoint_every: 2,
        missing_eos: subtract, samples_every: 2, stop_kl: 0.5}
  grpo: {from: sft, reward: [reward_model], prompts: [townsfolk], iterations: 4, answers_per_iteration: 8, minibatch_size: 4,
         group_size: 4, context: 128, max_new_tokens: 12, learning_rate: 1e-3, checkpoint_every: 1, lora_rank: 2}
  dpo: {from: sft, data: [townsfolk], steps: 8, batch_size: 4, context: 128, warmup_steps: 2, log_every: 1,
        validation_batches: 1, checkpoint_every: 3, lora_rank: 2}
  kto: {from: sft, data: [townsfolk], steps: 6, batch_size: 4, context: 128, warmup_steps: 2, log_every: 1,
        validation_batches: 1, checkpoint_every: 2}
"""

TIMES = {"tokens_per_second", "answers_per_second", "rollout_seconds", "update_seconds"}


def text(value):
    return bytes(value).decode() if isinstance(value, bytes) else str(value)


def summary(record):
    result = tiny.summary(record, TIMES)
    with h5py.File(record, "r") as file:
        for name, stage in file["stages"].items():
            extras = record.with_suffix("") / name / "final" / "extras.safetensors"
            if extras.exists():
                result[name, "extras"] = hashlib.sha256(extras.read_bytes()).hexdigest()
            for table in ("samples", "sentinels"):
                if table in stage:
                    result[name, table] = [tuple(map(text, row)) for row in stage[table]]
    return result


def check_paused(experiment, folder, expected):
    """Left at a step of each stage, in processes of their own, and gone on with."""
    record = folder / "paused" / "tiny" / "paused.h5"
    for stage, step in (("sft", 7), ("reward_model", 5), ("judge", 4), ("ppo", 3), ("ppo", 4), ("grpo", 2), ("dpo", 5),
                        ("kto", 3)):
        tiny.temper("run", experiment, "--record", record, "--only", stage, "--until", step, "--quiet")
        with h5py.File(record, "r") as file:
            assert str(file.attrs["status"]) == "partial" and str(file.attrs["reached"]) == f"{stage}@{step}", stage
            log = file[f"stages/{stage}/log"]
            assert str(file[f"stages/{stage}"].attrs["status"]) == "running", stage
            assert int(log["reward" if stage in ("ppo", "grpo") else "learning_rate"][-1]["step"]) <= step, stage
    tiny.temper("run", experiment, "--record", record, "--quiet")
    got = summary(record)
    for key in expected:
        assert got.get(key) == expected[key], f"paused: {key} differs"


def main():
    rng = random.Random(17)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        experiment = folder / "tiny.yaml"
        experiment.write_text(EXPERIMENT)
        began = time.monotonic()
        tiny.temper("run", experiment, "--out", folder / "straight", "--quiet")
        length = time.monotonic() - began
        expected = summary(tiny.only_record(folder / "straight"))
        assert expected["status"] == "complete", expected["status"]
        names = {row[0] for row in expected["ppo", "sentinels"]}
        wanted = {"loss_mask", "reward_position", "batch_size", "padding_side", "kl_at_start", "first_ratio"}
        assert names == wanted, names
        assert len(expected["ppo", "samples"]) == 4 * 4, len(expected["ppo", "samples"])
        assert ("reward_model", "extras") in expected and ("judge", "extras") in expected
        assert len(expected["judge", "held_out_accuracy"]) == 1 and ("grpo", "extras") in expected
        assert len(expected["ppo", "reward"]) == 6 and len(expected["grpo", "reward"]) == 4
        assert expected["ppo", "sha"] != expected["sft", "sha"] != expected["grpo", "sha"]
        check_paused(experiment, folder, expected)
        for kill in range(KILLS):
            out = folder / f"killed{kill}"
            process = subprocess.Popen([tiny.TEMPER, "run", experiment, "--out", out, "--quiet"], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            # Towards the end, where the loops of samples are.
            time.sleep(rng.uniform(0.2, 0.95) * length)
            process.send_signal(signal.SIGINT if kill % 2 else signal.SIGKILL)
            process.wait()
            tiny.temper("resume", tiny.only_record(out), "--quiet")
            got = summary(tiny.only_record(out))
            for key in expected:
                assert got.get(key) == expected[key], f"kill {kill}: {key} differs"
            assert got.keys() == expected.keys(), f"kill {kill}: {got.keys() ^ expected.keys()}"
        print(f"{KILLS} runs stopped and resumed, all equal to the straight run of {length:.1f} s")


main()
