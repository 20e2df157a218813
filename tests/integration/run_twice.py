#!/usr/bin/env python3
"""The same experiment twice gives the same record but for times; another seed gives other weights; the commands around a
run (dry-run, status, compare with flips and tax, eval, generate, tokenize, logits) give what their help says."""
import json
import pathlib
import sys
import tempfile

import tiny

try:
    import h5py
except ImportError:
    print("SKIPPED: Python has no h5py; install python3-h5py")
    sys.exit(77)


def metrics(record, stage):
    with h5py.File(record, "r") as file:
        return {(name, row["name"]): (row["value"], str(row["ci_low"]), row["n"])
                for name, evals in file[f"stages/{stage}/evals"].items() for row in evals["metrics"]}


def check_eval(record, folder):
    """Evaluators alone give what they gave in the run, on a record's stage and on a folder."""
    checkpoint = record.parent / record.stem / "sft" / "final"
    dry = tiny.temper("eval", f"{record}:sft", "--dry-run", "--evaluators", "perplexity").stdout
    assert "as it is in" in dry and "instruction_following" not in dry, dry
    out = tiny.temper("eval", f"{record}:sft", "--out", folder / "e")
    assert "prompt_strict" in out.stdout, out.stdout
    (alone,) = (folder / "e" / "tiny-eval").glob("*.h5")
    assert metrics(alone, "sft") == metrics(record, "sft")
    assert tiny.shas(alone)["sft"] == tiny.shas(record)["sft"]
    assert list((folder / "e" / "cache" / "answers").glob("*.answers")), "answers were not kept"
    (folder / "words.txt").write_text((folder / "corpus.txt").read_text())
    sets = ("--set", "datasets.mine={plugin: text, path: [words.txt], split_on: line}", "--set",
            "evaluators.perplexity={data: [mine], documents: 20}")
    tiny.temper("eval", checkpoint, "--evaluators", "perplexity", *sets, "--out", "f", cwd=folder)
    (mine,) = (folder / "f" / "final-eval").glob("*.h5")
    assert metrics(mine, "final").keys() == {key for key in metrics(record, "sft") if key[0] == "perplexity"}
    with_file = tiny.temper("eval", checkpoint, "--with", folder / "tiny.yaml", "--evaluators", "instruction_following",
                            "--set", "evaluators.instruction_following.limit=7", "--out", folder / "g", "--quiet")
    assert "n 7" in with_file.stdout, with_file.stdout
    assert "nothing to do" in tiny.temper("resume", alone).stderr
    for args, code, words in ((("eval", folder / "absent"), 3, "was not found"),
                              (("eval", checkpoint), 2, "there is no evaluator to run"),
                              (("eval", f"{record}:sfd"), 2, "pretrain, sft"),
                              (("eval", f"{record}:sft", "--evaluators", "perplexitty"), 2, "perplexity")):
        failed = tiny.temper(*args, check=False)
        assert failed.returncode == code and words in failed.stderr, failed.stderr


def check_views(record):
    flips = json.loads(tiny.temper("compare", record, "--flips", "--metric", "prompt_strict", "--format", "json").stdout)
    assert sum(flips[0][key] for key in ("gained", "lost", "stable_yes", "stable_no")) == metrics(
        record, "sft")["instruction_following", b"prompt_strict"][2], flips
    assert "stable" in tiny.temper("compare", record, "--flips", "--metric", "prompt_strict").stdout
    tax = json.loads(tiny.temper("compare", record, "--tax", "--format", "json").stdout)
    assert tax["columns"] == ["pretrain", "sft"] and any(row["metric"] == "prompt_strict" for row in tax["rows"])
    assert "sft after pretrain: lost" in tiny.temper("compare", record, "--tax").stdout
    both = tiny.temper("compare", record, "--tax", "--flips", check=False)
    assert both.returncode == 2 and "two views" in both.stderr


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        experiment = tiny.write_experiment(folder)
        dry = tiny.temper("run", experiment, "--dry-run", "--set", "stages.sft.steps=30").stdout
        assert "stages.sft.steps" in dry and "--set" in dry and "tiny.yaml:" in dry and "default" in dry, dry
        out = tiny.temper("run", experiment, "--out", folder / "a")
        assert "prompt_strict" in out.stdout and "record:" in out.stdout and "checkpoints:" in out.stdout, out.stdout
        tiny.temper("run", experiment, "--out", folder / "b", "--quiet")
        tiny.temper("run", experiment, "--out", folder / "c", "--quiet", "--seed", "4")
        a, b, c = (tiny.only_record(folder / x) for x in "abc")
        assert tiny.shas(a) == tiny.shas(b)
        assert all(tiny.shas(a)[stage] != tiny.shas(c)[stage] for stage in tiny.shas(a))

        with h5py.File(a, "r") as file:
            for attribute in ("schema_version", "temper_version", "experiment", "run_id", "seed", "status", "created", "finished"):
                assert attribute in file.attrs, attribute
            assert str(file.attrs["status"]) == "complete"
            source = file["config/source"][()]
            assert (source.decode() if isinstance(source, bytes) else str(source)) == experiment.read_text()
            assert {row["name"].decode() if isinstance(row["name"], bytes) else row["name"] for row in file["data"]} == {"words", "townsfolk"}
            assert len(file["plugins"]) >= 9
            assert list(file["stages/sft/log/loss"]["step"]) == list(range(1, 61))

        status = tiny.temper("status", a).stdout
        assert "pretrain" in status and "complete" in status, status
        compared = json.loads(tiny.temper("compare", a, "--format", "json").stdout)
        assert compared["columns"] == ["pretrain", "sft"] and compared["baseline"] == "pretrain"
        assert any(row["metric"] == "prompt_strict" and row["difference"] for row in compared["rows"])
        both = json.loads(tiny.temper("compare", a, c, "--format", "json", "--by", "run").stdout)
        assert len(both["columns"]) == 2, both["columns"]
        for form in ("table", "md", "csv", "latex"):
            assert "perplexity" in tiny.temper("compare", a, "--format", form).stdout

        model = f"{a}:sft"
        one = tiny.temper("generate", model, "--prompt", "Who are you?", "--temperature", "0.8", "--seed", "5").stdout
        assert one == tiny.temper("generate", model, "--prompt", "Who are you?", "--temperature", "0.8", "--seed", "5").stdout
        tokens = json.loads(tiny.temper("tokenize", model, "The old door.", "--format", "json").stdout)
        assert tokens["text"] == "The old door." and len(tokens["ids"]) == len(tokens["pieces"])
        ids = ",".join(map(str, tokens["ids"]))
        logits = json.loads(tiny.temper("logits", model, "--ids", ids, "--format", "json").stdout)["logits"]
        assert len(logits) == len(tokens["ids"]) and len(logits[0]) == 600

        check_views(a)
        check_eval(a, folder)
        resumed = tiny.temper("resume", a)
        assert "nothing to do" in resumed.stderr
        print("two equal runs, one other; all commands answer")


main()
