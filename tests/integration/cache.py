#!/usr/bin/env python3
"""Stages are computed once: by a second run, by two runs at once, and by a run that takes over from a killed one; a damaged
entry is found and computed again; what comes from the cache equals what was computed."""
import json
import os
import pathlib
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


def content(record):
    """All tables of a record's stages, but for notes, which hold the time."""
    found = {}
    with h5py.File(record, "r") as file:
        file["stages"].visititems(
            lambda name, item: found.update({name: item[()].tobytes() if item.dtype.names is None else repr(item[()].tolist())})
            if isinstance(item, h5py.Dataset) and "/notes" not in name and "tokens_per_second" not in name else None)
        for name, stage in file["stages"].items():
            found[name + " weights"] = str(stage.attrs["checkpoint_sha256"])
            found[name + " key"] = str(stage.attrs["cache_key"])
    return found


def records(out):
    return sorted(pathlib.Path(out).glob("tiny/*.h5"))


def new_record(out, *args):
    """The record of one more run, and what it said."""
    before = set(records(out))
    done = tiny.temper("run", *args, "--out", out)
    (record,) = set(records(out)) - before
    return record, done.stderr


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        experiment = tiny.write_experiment(folder)
        out = folder / "shared"
        first, _ = new_record(out, experiment)
        again, said = new_record(out, experiment)
        assert said.count("taken from the cache") == 6, said
        other, said = new_record(out, experiment, "--set", "stages.sft.learning_rate=1e-3")
        assert "stage pretrain: taken from the cache" in said and "stage sft: taken" not in said, said
        computed, taken, third = content(first), content(again), content(other)
        assert computed == taken, {key for key in computed if computed[key] != taken.get(key)}
        assert computed["pretrain weights"] == third["pretrain weights"] != third["sft weights"]
        anew = tiny.temper("run", experiment, "--out", out, "--no-cache", "--set", "stages.sft.learning_rate=1e-3")
        assert "taken from the cache" not in anew.stderr, anew.stderr
        # Other spelling, same values: the same key. Another seed: another key.
        spelt = tiny.temper("run", experiment, "--out", out, "--set", "stages.sft.learning_rate=0.001", "--set",
                            "stages.sft.weight_decay=0.1")
        assert spelt.stderr.count("taken from the cache") == 6, spelt.stderr

        listed = json.loads(tiny.temper("cache", "list", "--out", out, "--format", "json").stdout)["entries"]
        stages = [entry for entry in listed if entry["kind"] == "stage"]
        assert len(stages) == 3 and all(entry["users"] for entry in stages), listed
        assert "3 stages" in tiny.temper("cache", "list", "--out", out).stdout
        assert "whole" in tiny.temper("cache", "verify", "--out", out).stdout

        # A damaged entry: another file in its place, so that the runs' own links stay whole.
        entry = next(out / "cache/stages" / e["key"] for e in stages if e["stage"] == "pretrain")
        weights = entry / "final/model.safetensors"
        broken = bytearray(weights.read_bytes())
        broken[-1] ^= 1
        weights.unlink()
        weights.write_bytes(broken)
        failed = tiny.temper("cache", "verify", "--out", out, check=False)
        assert failed.returncode == 3 and "another checksum" in failed.stdout, failed.stdout + failed.stderr
        mended, said = new_record(out, experiment)
        assert "is damaged" in said and "stage sft: taken from the cache" in said, said
        assert content(mended) == computed

        # Two at once: one computes, the other waits.
        both = folder / "both"
        pair = [subprocess.Popen([tiny.TEMPER, "run", str(experiment), "--out", str(both)], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE, text=True) for _ in range(2)]
        said = [process.communicate()[1] for process in pair]
        assert [process.returncode for process in pair] == [0, 0], said
        assert sum(text.count("stage pretrain: taken") + text.count("stage sft: taken") for text in said) == 2, said
        assert content(records(both)[0]) == content(records(both)[1]) == computed

        # A killed run's stage is taken over, at its last checkpoint, by another run.
        killed = folder / "killed"
        process = subprocess.Popen([tiny.TEMPER, "run", str(experiment), "--out", str(killed), "--quiet"])
        while not any(path.name[5:].isdigit() for path in killed.glob("cache/stages/*/step-*")):
            assert process.poll() is None, "the run ended before it could be killed"
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        (dead,) = records(killed)
        over, said = new_record(killed, experiment)
        assert "going on from step" in said, said
        assert content(over) == computed
        tiny.temper("resume", dead, "--quiet")
        assert content(dead) == computed

        freed = tiny.temper("cache", "prune", "--out", out, "--all")
        assert not list((out / "cache/stages").glob("*/done.json")), freed.stdout
        assert tiny.temper("generate", f"{first}:sft", "--prompt", "Hi").returncode == 0
        print("computed once, taken six ways, found damage, and took over from the dead")


main()
