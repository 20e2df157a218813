#!/usr/bin/env python3
"""The same experiment twice gives the same record but for times; another seed gives other weights; the commands around a
run (dry-run, status, compare, generate, tokenize, logits) give what their help says."""
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


def shas(record):
    with h5py.File(record, "r") as file:
        return {name: str(stage.attrs["checkpoint_sha256"]) for name, stage in file["stages"].items()}


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
        assert shas(a) == shas(b)
        assert all(shas(a)[stage] != shas(c)[stage] for stage in shas(a))

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

        resumed = tiny.temper("resume", a)
        assert "nothing to do" in resumed.stderr
        print("two equal runs, one other; all commands answer")


main()
