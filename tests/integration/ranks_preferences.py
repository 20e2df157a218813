#!/usr/bin/env python3
"""Stages and evaluators that read whole answers, in many processes: kto, whose baseline is a mean over the whole batch, has
the same losses with 1, 2 and 4 ranks, and goes on bit for bit after one of two ranks was killed; finished models are read and
sampled with the same scores, bit for bit."""
import os
import pathlib
import signal
import sys
import tempfile
import time

import ranks as processes
import tiny

try:
    import h5py
except ImportError:
    print("SKIPPED: Python has no h5py; install python3-h5py")
    sys.exit(77)

MODELS = """\
experiment: models
seed: 3
threads: 1
model: {plugin: gpt, d_model: 32, num_layers: 2, num_heads: 2, max_positions: 256}
tokenizer: {plugin: sentencepiece, vocab_size: 600, data: [townsfolk]}
datasets:
  townsfolk: {people: 40, rows: 200, pairs: 150, items: 40}
stages:
  sft: {data: [townsfolk], steps: 60, batch_size: 4, context: 256, warmup_steps: 5, learning_rate: 3e-3,
        validation_batches: 0}
  reward_model: {from: sft, data: [townsfolk], dimensions: [helpfulness, safety], steps: 20, batch_size: 4, context: 128,
                 warmup_steps: 2, learning_rate: 1e-3, validation_batches: 0}
  dpo: {from: sft, data: [townsfolk], steps: 4, batch_size: 4, context: 128, learning_rate: 1e-3, warmup_steps: 1,
        validation_batches: 0}
"""

# The models are there already, so that whatever differs was read or computed differently here.
READ = """\
experiment: read
seed: 3
threads: 1
model: {{plugin: gpt, d_model: 32, num_layers: 2, num_heads: 2, max_positions: 256}}
tokenizer: {{plugin: sentencepiece, vocab_size: 600, data: [townsfolk]}}
datasets:
  townsfolk: {{people: 40, rows: 200, pairs: 150, items: 40}}
stages:
  sft: {{checkpoint: {models}/sft/final}}
  reward_model: {{checkpoint: {models}/reward_model/final}}
  dpo: {{checkpoint: {models}/dpo/final}}
  kto: {{from: sft, data: [townsfolk], steps: 30, batch_size: 5, context: 128, learning_rate: 1e-3, warmup_steps: 2, log_every: 1,
         validate_every: 10, validation_batches: 4, checkpoint_every: 4}}
  grpo: {{from: sft, reward: [reward_model], prompts: [townsfolk], iterations: 2, answers_per_iteration: 64, minibatch_size: 16,
         group_size: 4, context: 128, max_new_tokens: 12, micro_batch_tokens: 512}}
evaluators:
  preference_accuracy: {{data: [townsfolk], after: [reward_model]}}
  by_reference: {{plugin: preference_accuracy, data: [townsfolk], reference: sft, after: [dpo]}}
  by_likelihood: {{plugin: preference_accuracy, data: [townsfolk], after: [sft]}}
  best_of_n: {{data: [townsfolk], reward: [reward_model], samples: 4, limit: 12, max_new_tokens: 12, after: [sft]}}
  helpfulness: {{data: [townsfolk], reward: [reward_model], reward_models: ["{models}/reward_model/final"],
                 max_new_tokens: 12, after: [sft]}}
  duel: {{plugin: helpfulness, data: [townsfolk], against: {models}/dpo/final, judge: {models}/reward_model/final,
          max_new_tokens: 12, after: [sft]}}
"""
TIMES = {"tokens_per_second", "answers_per_second", "rollout_seconds", "update_seconds"}
EVALUATIONS = [("reward_model", "preference_accuracy"), ("dpo", "by_reference"), ("sft", "by_likelihood"), ("sft", "best_of_n"),
               ("sft", "helpfulness")]


def run(folder, experiment, name, *args):
    tiny.temper("run", folder / experiment, "--out", folder / name, "--cache", folder / f"{name}_cache", "--quiet", *args)
    return tiny.only_record(folder / name, pathlib.Path(experiment).stem)


def first_round(record):
    """What the first round read before anything was learnt."""
    with h5py.File(record, "r") as file:
        log = file["stages/grpo/log"]
        return {name: float(log[name][0]["value"]) for name in ("reward", "reward_helpfulness", "reward_safety", "entropy")}


def close_rows(found, expected):
    """Equal texts, and numbers to what the scorer promises."""
    def equal(a, b):
        try:
            return abs(float(a) - float(b)) <= 1e-4 or a == b
        except ValueError:
            return a == b
    return len(found) == len(expected) > 0 and all(
        len(a) == len(b) and all(map(equal, a, b)) for a, b in zip(found, expected))


def check_killed(folder, expected):
    """kto is the first stage that trains, so the first checkpoint is its."""
    launcher = processes.start(["run", folder / "read.yaml", "--out", folder / "killed", "--cache", folder / "killed_cache",
                                "--quiet", "--nproc", 2], folder)
    while not list((folder / "killed_cache").glob("stages/*/step*")):
        assert launcher.poll() is None, launcher.communicate()[0]
        time.sleep(0.02)
    os.kill(processes.ranks_of(launcher)[1], signal.SIGKILL)
    output, _ = launcher.communicate(timeout=processes.LONGEST_END)
    assert launcher.returncode == 1 and "rank 1 was ended by signal 9" in output, (launcher.returncode, output)
    record = tiny.only_record(folder / "killed", "read")
    tiny.temper("resume", record, "--nproc", 2, "--quiet")
    found = tiny.summary(record, TIMES)
    assert found == expected, [key for key in expected if found.get(key) != expected[key]]


def check_close(found, expected, steps, tolerance, what):
    assert len(found) == len(expected) > 0, (what, len(found), len(expected))
    for (step, value), (step_expected, value_expected) in zip(found, expected):
        assert step == step_expected, (what, step, step_expected)
        if step <= steps:
            assert abs(value - value_expected) <= tolerance, (what, step, value, value_expected)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "models.yaml").write_text(MODELS)
        models = run(folder, "models.yaml", "models").with_suffix("")
        (folder / "read.yaml").write_text(READ.format(models=models))
        records = {ranks: run(folder, "read.yaml", f"ranks{ranks}", *(["--nproc", ranks] if ranks > 1 else []))
                   for ranks in (1, 2, 4)}
        summaries = {ranks: tiny.summary(record, TIMES) for ranks, record in records.items()}
        alone = summaries[1]
        assert max(value for _, value in alone["kto", "baseline"]) > 0.01, "the baseline never left 0, so nothing is tested"
        largest = 0
        for ranks in (2, 4):
            together = summaries[ranks]
            assert together["ranks"] == str(ranks) and together["status"] == "complete"
            for stage, evaluator in EVALUATIONS:
                for key in ((stage, evaluator), (stage, evaluator, "items")):
                    assert together[key] == alone[key], (ranks, key)
            # Another model answers, and a judge is asked, both from outside the run.
            for key in (("sft", "duel"), ("sft", "duel", "items")):
                assert close_rows(together[key], alone[key]), (ranks, key, together[key], alone[key])
            assert first_round(records[ranks]) == first_round(records[1]), ranks
            check_close(together["kto", "loss"], alone["kto", "loss"], 20, 1e-6, (ranks, "loss"))
            largest = max(largest, *(abs(a - b) for (_, a), (_, b) in zip(together["kto", "loss"][:20], alone["kto", "loss"])))
            for metric in ("baseline", "margin", "accuracy", "validation_baseline", "validation_loss"):
                check_close(together["kto", metric], alone["kto", metric], 20, 1e-4, (ranks, metric))
            for metric in ("target_tokens", "flops"):
                assert together["kto", metric] == alone["kto", metric], (ranks, metric)
        check_killed(folder, summaries[2])
    print(f"kto's losses of 1, 2 and 4 ranks differ by up to {largest:.1e} over 20 steps; "
          f"{len(EVALUATIONS)} evaluations are the same bits")


if __name__ == "__main__":
    main()
