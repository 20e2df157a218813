#!/usr/bin/env python3
"""A model whose log-probabilities depend on its batch companions is stopped by PPO's own check before it trains: exit code
4, the evidence in the message and in the record, and the stages before it stay. A divergence that passes max_kl is recorded
and leaves a checkpoint to go back to. Encoder-decoder and prefix models pass the same checks and go all the way, and an
experiment may begin with a checkpoint."""
import json
import os
import pathlib
import sys
import tempfile

import tiny

try:
    import h5py
except ImportError:
    print("SKIPPED: Python has no h5py; install python3-h5py")
    sys.exit(77)

EXPERIMENT = """\
experiment: tiny
threads: 1
model: {model}
tokenizer: {{plugin: sentencepiece, vocab_size: 300, data: [texts]}}
datasets:
  texts: {{plugin: text, path: [texts.txt], split_on: line}}
  rows: {{plugin: jsonl, path: [rows.jsonl], format: completion}}
  pairs: {{plugin: jsonl, path: [pairs.jsonl]}}
stages:
  sft: {{data: [rows], steps: 3, batch_size: 2, context: 64, warmup_steps: 1, validation_batches: 0}}
  reward_model: {{from: sft, data: [pairs], steps: 3, batch_size: 2, context: 64, warmup_steps: 1, validation_batches: 0}}
  ppo: {{from: sft, reward: [reward_model], prompts: [rows], iterations: 8, answers_per_iteration: 8, minibatch_size: 4,
        context: 56, max_new_tokens: 8, checkpoint_every: 1{ppo}}}
"""


OTHER_MODELS = {
    "t5": "{plugin: t5, d_model: 32, d_kv: 8, num_heads: 4, d_ff: 64, num_layers: 1, num_decoder_layers: 1,"
          " max_positions: 64}",
    "prefix": "{plugin: llama, d_model: 32, num_layers: 1, num_heads: 2, max_positions: 64, prefix_attention: true}",
}


FROM_CHECKPOINT = """\
experiment: tiny
threads: 1
model: {{checkpoint: {checkpoint}}}
tokenizer: {{checkpoint: {checkpoint}}}
datasets:
  pairs: {{plugin: jsonl, path: [{data}/pairs.jsonl]}}
stages:
  reward_model: {{data: [pairs], steps: 3, batch_size: 2, context: 64, warmup_steps: 1, validation_batches: 0}}
"""


def write(folder, model, ppo=""):
    names = ["Ada", "Bert", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hal", "Ida", "Jo"]
    rows = [{"prompt": f"Who is {name}?", "completion": f"{name} is {job}."} for name in names for job in ("a cook", "old")]
    pairs = [{"prompt": f"Who is {n}?", "chosen": f"{n} is kind.", "rejected": f"Go away, {n}."} for n in names]
    folder.mkdir()
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "pairs.jsonl").write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    (folder / "texts.txt").write_text("".join(f"{row['prompt']} {row['completion']} It is so, and {n}.\n"
                                              for n, row in enumerate(rows * 4)))
    (folder / "tiny.yaml").write_text(EXPERIMENT.format(model=model, ppo=ppo))
    return folder / "tiny.yaml"


def main():
    fixtures = pathlib.Path(os.environ["TEMPER_BUILD_DIR"]) / "fixtures" / "broken_architectures"
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        experiment = write(folder / "leaks", "{plugin: rows}")
        done = tiny.temper("run", experiment, "--plugin-path", fixtures, "--out", folder / "o1", check=False)
        assert done.returncode == 4, (done.returncode, done.stderr)
        assert "check 'batch_size' failed" in done.stderr and "alone and in one batch differ" in done.stderr, done.stderr
        with h5py.File(tiny.only_record(folder / "o1"), "r") as file:
            seen = {row["name"].decode(): row for row in file["stages/ppo/sentinels"]}
            assert seen["batch_size"]["passed"] == 0 and seen["batch_size"]["value"] > 1e-4
            assert seen["loss_mask"]["passed"] == 1
            assert str(file["stages/reward_model"].attrs["status"]) == "complete"
            assert str(file.attrs["status"]) == "failed"

        model = "{plugin: gpt, d_model: 32, num_layers: 1, num_heads: 2, max_positions: 64}"
        experiment = write(folder / "blows", model, ", learning_rate: 0.05, kl_coef: 0, max_kl: 0.5, value_coef: 0")
        done = tiny.temper("run", experiment, "--out", folder / "o2", check=False)
        assert done.returncode == 1 and "diverged" in done.stderr, (done.returncode, done.stderr)
        record = tiny.only_record(folder / "o2")
        with h5py.File(record, "r") as file:
            stage = file["stages/ppo"]
            assert str(stage.attrs["status"]) == "diverged"
            assert all(row["passed"] == 1 for row in stage["sentinels"])
            assert any("above max_kl" in row["text"].decode() for row in stage["notes"])
        assert list((record.with_suffix("") / "ppo").glob("step-*")), "no checkpoint is left"
        for name, model in OTHER_MODELS.items():
            experiment = write(folder / name, model, ", critic: head, kl_in: loss, kl_estimator: k3, learning_rate: 0.001")
            tiny.temper("run", experiment, "--out", folder / ("out_" + name))
            with h5py.File(tiny.only_record(folder / ("out_" + name)), "r") as file:
                stage = file["stages/ppo"]
                assert len(stage["sentinels"]) == 6 and all(row["passed"] == 1 for row in stage["sentinels"]), name
                assert len(stage["log/reward"]) == 8, name
        start = tiny.only_record(folder / "out_prefix").with_suffix("") / "sft" / "final"
        experiment = folder / "from.yaml"
        experiment.write_text(FROM_CHECKPOINT.format(checkpoint=start, data=folder / "prefix"))
        tiny.temper("run", experiment, "--out", folder / "o3")
        kept = tiny.only_record(folder / "o3").with_suffix("") / "reward_model" / "final"
        assert json.loads((kept / "temper.json").read_text())["architecture"] == "llama"
        experiment.write_text(FROM_CHECKPOINT.format(checkpoint=folder / "nowhere", data=folder / "prefix"))
        done = tiny.temper("run", experiment, "--out", folder / "o4", check=False)
        assert done.returncode == 2 and "nowhere" in done.stderr and "temper import" in done.stderr, done.stderr
        print("a leaking model is stopped before PPO, a diverging PPO leaves its last checkpoint")


main()
