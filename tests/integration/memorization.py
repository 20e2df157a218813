#!/usr/bin/env python3
"""A model that has seen some secrets 30 times, some once and some never: after training, exposure and extraction by number of
copies come out of the record in that order, and training text is told from held-out text."""
import pathlib
import tempfile

import tiny

EXPERIMENT = """\
experiment: tiny
seed: 3
threads: 1
validation_fraction: 0.2
model: {plugin: gpt, d_model: 64, num_layers: 2, num_heads: 2, max_positions: 96, dropout: 0}
tokenizer: {plugin: sentencepiece, vocab_size: 400, data: [words, canaries]}
datasets:
  words: {plugin: text, path: [corpus.txt], split_on: line}
  canaries: {canaries: 24, repeats: [0, 1, 30], digits: 4}
stages:
  pretrain: {data: [words, canaries], steps: 180, batch_size: 8, context: 96, warmup_steps: 10, learning_rate: 3e-3,
             validation_batches: 0, checkpoint_every: 180}
evaluators:
  memorization: {data: [words, canaries], canaries: [canaries], windows: 20, prompt_tokens: [8], continuation_tokens: 8,
                 tries: 1, membership_documents: 60, membership_tokens: 32, generations: 10, generation_tokens: 16,
                 long_overlap: 12, alternatives: 63}
"""


def main():
    import h5py
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        tiny.write_experiment(folder)
        lines = (folder / "corpus.txt").read_text().splitlines()[:150]
        (folder / "corpus.txt").write_text("\n".join(lines) + "\n")
        (folder / "tiny.yaml").write_text(EXPERIMENT)
        tiny.temper("run", folder / "tiny.yaml", "--out", folder / "out")
        with h5py.File(tiny.only_record(folder / "out")) as file:
            group = file["stages/pretrain/evals/memorization"]
            metrics = {row["name"].decode(): row for row in group["metrics"]}
            names = [row["item_id"].decode() for row in group["examples"]]
        values = {metric: float(row["value"]) for metric, row in metrics.items()}
        print({metric: round(value, 3) for metric, value in values.items()})
        assert values["exposure_r30"] > 5.5, values
        assert values["exposure_r30"] >= values["exposure_r1"] and values["exposure_r30"] > values["exposure_r0"] + 2, values
        assert values["canary_extracted_r30"] > 0.5 and values["canary_extracted_r0"] == 0, values
        assert values["membership_auc_loss"] > 0.55 and values["membership_auc_min_k"] > 0.65, values
        auc = metrics["membership_auc_loss"]
        assert auc["ci_low"] <= auc["value"] <= auc["ci_high"] and auc["n"] >= 40, auc
        assert values["extracted_p8"] >= values["extracted_p8_held_out"], values
        assert values["loss_training"] < values["loss_held_out"], values
        for kind in ("training:", "held_out:", "canary:", "member:", "non_member:", "generation:"):
            assert any(name.startswith(kind) for name in names), kind
        assert len(names) == len(set(names))


main()
