#!/usr/bin/env python3
"""Every architecture with every objective: each pair either trains, is tuned on instructions and evaluated, all in one
experiment with several models, or is refused with a ConfigError that says what to change. Pairs come from the plugins."""
import json
import pathlib
import tempfile

import tiny

# Widths small enough for a pair to take a second; whatever an architecture does not name keeps its default.
SIZES = {"d_model": 32, "num_layers": 2, "num_heads": 2, "d_kv": 16, "d_ff": 64, "max_positions": 384}
TRAIN = ("batch_size: 4, context: 64, steps: 4, warmup_steps: 1, learning_rate: 3e-3, log_every: 2, "
         "validation_batches: 1, checkpoint_every: 3")
HEAD = """\
experiment: tiny
seed: 5
threads: 1
tokenizer: {plugin: sentencepiece, vocab_size: 500, sentinels: 40, data: [words, townsfolk]}
datasets:
  words: {plugin: text, path: [corpus.txt], split_on: line}
  townsfolk: {people: 20, rows: 120, items: 6}
"""
# What a refusal has to name, for the person to mend it.
FIXES = {("causal_lm", "t5"): "decoder-only", ("fill_in_middle", "t5"): "decoder-only"}


def parameters(plugins, kind, name):
    return {p["name"] for plugin in plugins if (plugin["kind"], plugin["id"]) == (kind, name) for p in plugin["parameters"]}


def model_text(plugins, architecture, prefix):
    known = parameters(plugins, "architecture", architecture)
    values = {name: value for name, value in SIZES.items() if name in known}
    if "prefix_attention" in known:
        values["prefix_attention"] = str(prefix).lower()
    return ", ".join([f"plugin: {architecture}"] + [f"{name}: {value}" for name, value in values.items()])


def check_refusals(folder, plugins, pairs):
    """Each pair that does not fit, alone; and a causal model with the objective that needs a prefix."""
    for architecture, objective, prefix, wanted in pairs:
        text = HEAD + "model: {%s}\n" % model_text(plugins, architecture, prefix)
        text += "stages:\n  pretrain: {data: [words], objective: %s, %s}\n" % (objective, TRAIN)
        (folder / "refused.yaml").write_text(text)
        done = tiny.temper("run", folder / "refused.yaml", "--out", folder / "refused", check=False)
        assert done.returncode == 2, f"{architecture} with {objective} ended with {done.returncode}: {done.stderr}"
        assert objective in done.stderr and wanted in done.stderr, f"{architecture} with {objective}: {done.stderr}"


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        tiny.write_experiment(folder)
        plugins = json.loads(tiny.temper("plugins", "list", "--format", "json").stdout)["plugins"]
        architectures = sorted(p["id"] for p in plugins if p["kind"] == "architecture")
        objectives = sorted(p["id"] for p in plugins if p["kind"] == "objective")
        assert {"gpt", "llama", "t5"} <= set(architectures), architectures
        assert {"causal_lm", "span_corruption", "prefix_lm", "ul2", "fill_in_middle"} <= set(objectives), objectives

        fitting = [(a, o) for a in architectures for o in objectives if (o, a) not in FIXES]
        refused = [(a, o, True, FIXES[o, a]) for o, a in FIXES]
        refused += [(a, "prefix_lm", False, "prefix_attention: true") for a in architectures
                    if "prefix_attention" in parameters(plugins, "architecture", a)]
        refused.append(("gpt", "span_corruption", True, "tokenizer.sentinels"))
        with_sentinels = refused[:-1]
        check_refusals(folder, plugins, with_sentinels)
        global HEAD
        full, HEAD = HEAD, HEAD.replace("sentinels: 40", "sentinels: 2")
        check_refusals(folder, plugins, refused[-1:])
        HEAD = full

        text = HEAD + "models:\n"
        text += "".join("  %s_%s: {%s}\n" % (a, o, model_text(plugins, a, True)) for a, o in fitting)
        text += "stages:\n"
        for a, o in fitting:
            text += "  %s_%s: {plugin: pretrain, model: %s_%s, data: [words, townsfolk], objective: %s, %s}\n" % (a, o, a, o, o, TRAIN)
            text += "  %s_%s_sft: {plugin: sft, from: %s_%s, data: [townsfolk], %s}\n" % (
                a, o, a, o, TRAIN.replace("context: 64", "context: 384"))
        text += "evaluators:\n  perplexity: {data: [words], documents: 4}\n"
        text += "  instruction_following: {data: [townsfolk], max_new_tokens: 4}\n"
        (folder / "all.yaml").write_text(text)
        tiny.temper("run", folder / "all.yaml", "--out", folder / "out")

        record = tiny.only_record(folder / "out")
        table = json.loads(tiny.temper("compare", record, "--format", "json").stdout)
        shown = json.dumps(table)
        for a, o in fitting:
            assert f'{a}_{o}_sft' in shown, f"the table lacks {a}_{o}_sft"

        import h5py
        with h5py.File(record) as file:
            assert file.attrs["status"] in ("complete", b"complete"), file.attrs["status"]
            for a, o in fitting:
                for stage in (f"{a}_{o}", f"{a}_{o}_sft"):
                    log = file[f"stages/{stage}/log"]
                    last = {metric: log[metric][-1]["value"] for metric in ("loss", "flops", "target_tokens", "target_bytes")}
                    assert 0 < last["loss"] < 20, (stage, last)
                    assert last["flops"] > 0 and 0 < last["target_tokens"] <= 4 * 4 * 384, (stage, last)
                    assert last["target_bytes"] > 0, (stage, last)
                    assert abs(file[f"stages/{stage}"].attrs["flops"] - last["flops"]) <= 1e-9 * last["flops"], stage
        print(f"{len(fitting)} pairs trained, {len(refused)} refused")


main()
