#!/usr/bin/env python3
"""kill -9 of a sweep's coordinator and workers at random moments, the sweep being started again at once: whatever was finished
stays as it is, checkpoints only move forward, each stage is computed once, and the end has the bits of an undisturbed sweep,
with and without halving. Usage: kill_sweep.py [kills] (8, or TEMPER_KILLS) [seed]; 200 take about ten minutes on two cores."""
import json
import os
import pathlib
import random
import re
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

KILLS = int(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("TEMPER_KILLS", "8"))
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 11
PLAIN = ("--vary", "stages.sft.learning_rate=1e-3,3e-3", "--seeds", "1..2", "--jobs", "2", "--quiet")
# Without tries a killed worker would count as a failed cell, which comes last.
HALVED = PLAIN + ("--retry", "1000", "--halving", "validation_loss:min", "--halving-rungs", "pretrain@6,sft@9", "--halving-factor", "2")
VICTIMS = ("coordinator", "worker", "everything")


def small(folder):
    experiment = tiny.write_experiment(folder)
    text = experiment.read_text().replace("steps: 60", "steps: 18").replace("documents: 20", "documents: 5")
    text = text.replace("items: 40", "items: 8").replace("validate_every: 20", "validate_every: 3")
    experiment.write_text(text.replace("checkpoint_every: 7", "checkpoint_every: 2"))
    return experiment


def results(sweep):
    found = {}
    for record in sorted(sweep.glob("*.h5")):
        with h5py.File(record, "r") as file:
            facts = {name: str(file.attrs.get(name, "")) for name in ("status", "stopped_value", "stopped_because")}
        assert facts["status"] in ("complete", "stopped"), facts
        found[record.stem] = tiny.summary(record) if facts["status"] == "complete" else facts
    return found


def children(pid):
    return [int(child) for child in subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()]


class Watch:
    """What must never go back, of everything under a folder of results."""

    def __init__(self, out):
        self.out, self.complete, self.steps, self.evaluated = out, {}, {}, {}

    def look(self):
        for entry in self.out.glob("cache/stages/*"):
            done = entry / "done.json"
            if done.exists():
                facts = (done.stat().st_ino, json.loads(done.read_text())["created"])
                assert self.complete.setdefault(entry.name, facts) == facts, f"{entry.name} was computed twice"
                continue
            assert entry.name not in self.complete, f"{entry.name} was complete and is lost"
            step = max([int(folder.name[5:]) for folder in entry.glob("step-*") if re.fullmatch(r"step-\d+", folder.name)],
                       default=0)
            # Between its last step and done.json an entry has its finished checkpoint in place of the others.
            if step == 0 and (entry / "final").exists():
                continue
            assert step >= self.steps.get(entry.name, 0), f"{entry.name} fell from {self.steps[entry.name]} to {step}"
            self.steps[entry.name] = step
        for entry in self.complete:
            assert (self.out / "cache/stages" / entry).exists(), f"{entry} is gone"
        for record in self.out.glob("*/*.h5"):
            with h5py.File(record, "r") as file:  # opens at every instant
                evaluated = {(name, evaluator) for name, stage in file["stages"].items() for evaluator in stage.get("evals", {})}
                before = self.evaluated.get(record, set())
                assert before <= evaluated, f"{record.name} lost {before - evaluated}"
                self.evaluated[record] = evaluated


def kill_one(process, victim, rng):
    """Returns whether there was anybody to kill."""
    workers = children(process.pid)
    if victim == "worker":
        if not workers:
            return False
        workers = [rng.choice(workers)]
    if victim != "worker":
        process.send_signal(signal.SIGKILL)
        process.wait()
    for pid in workers if victim != "coordinator" else []:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return True


def disturbed(experiment, args, out, kills, longest, rng):
    """The sweep with up to so many kills; returns how many there were of each kind."""
    watch, counts, starts = Watch(out), dict.fromkeys(VICTIMS, 0), 0
    while True:
        process = subprocess.Popen([tiny.TEMPER, "sweep", str(experiment), *args, "--out", str(out)],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        starts += 1
        while process.poll() is None and sum(counts.values()) < kills:
            try:
                process.wait(timeout=rng.uniform(0.02, longest))
            except subprocess.TimeoutExpired:
                victim = rng.choice(VICTIMS)
                counts[victim] += kill_one(process, victim, rng)
                watch.look()
        errors = process.communicate()[1]
        if process.returncode == 0:
            watch.look()
            return counts, watch
        # A worker was killed, or the coordinator; nothing else may go wrong.
        wrong = [line for line in errors.splitlines() if line.startswith("FAILED") and "signal 9" not in line]
        assert process.returncode in (1, -signal.SIGKILL) and not wrong, f"{process.returncode}: {errors}"
        assert starts < 10 * kills + 10, errors


def main():
    rng = random.Random(SEED)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        experiment = small(folder)
        expected, length = {}, {}
        for args in (PLAIN, HALVED):
            out = folder / f"undisturbed{len(expected)}"
            began = time.monotonic()
            tiny.temper("sweep", experiment, *args, "--out", out)
            length[args] = time.monotonic() - began
            sweep = tiny.sweep_folder(out)
            expected[args] = results(sweep)
        total, rounds = dict.fromkeys(VICTIMS, 0), 0
        while sum(total.values()) < KILLS:
            args = (PLAIN, HALVED)[rounds % 2]
            out = folder / f"round{rounds}"
            left = KILLS - sum(total.values())
            counts, watch = disturbed(experiment, args, out, min(left, max(KILLS // 2, 4)), length[args] / 3, rng)
            sweep = tiny.sweep_folder(out)
            got = results(sweep)
            assert got.keys() == expected[args].keys(), got.keys() ^ expected[args].keys()
            for run, parts in expected[args].items():
                for key, value in parts.items():
                    assert got[run].get(key) == value, f"round {rounds}: {run} {key} differs"
            if args == PLAIN:
                assert len(watch.complete) == 6, f"{len(watch.complete)} stages for 6"
            assert tiny.temper("verify", out, "--quiet").returncode == 0
            total = {victim: total[victim] + counts[victim] for victim in VICTIMS}
            rounds += 1
        print(f"{rounds} sweeps with {total}: each like one of {length[PLAIN]:.1f} s that nothing disturbed")


main()
