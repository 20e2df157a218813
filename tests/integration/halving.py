#!/usr/bin/env python3
"""Successive halving: cells that are behind at a rung are stopped and say why, the others end with the bits of a sweep without
halving; the verdict is the same whatever the order of runs and however often coordinator and workers are killed; failed and
diverged cells come last; status, compare, report and verify tell what was stopped (P-SWEEP-04)."""
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

FIXTURES = pathlib.Path(os.environ["TEMPER_BUILD_DIR"]) / "fixtures" / "bad_stage"
RATES = "stages.sft.learning_rate=1e-3,1e-5,3e-3,1e-4"
VARY = ("--vary", RATES, "--seeds", "1..2")
HALVING = ("--halving", "validation_loss:min", "--halving-rungs", "sft@5,sft@10", "--halving-factor", "2")


def small(folder):
    experiment = tiny.write_experiment(folder)
    text = experiment.read_text().replace("steps: 60", "steps: 20").replace("documents: 20", "documents: 5")
    experiment.write_text(text.replace("items: 40", "items: 8").replace("validate_every: 20", "validate_every: 5"))
    return experiment


def verdicts(sweep):
    return json.loads((sweep / "halving.json").read_text())["rungs"]


def states(sweep):
    found = {}
    for record in sweep.glob("*.h5"):
        with h5py.File(record, "r") as file:
            found[record.stem] = str(file.attrs["status"])
    return found


def equal_runs(sweep, full):
    """Runs that came to their end have the bits of the sweep that stopped nobody."""
    for run, state in states(sweep).items():
        if state == "complete":
            assert tiny.summary(sweep / f"{run}.h5") == tiny.summary(full / f"{run}.h5"), run


def check_straight(experiment, folder, full):
    dry = tiny.temper("sweep", experiment, *VARY, *HALVING, "--out", folder / "a", "--dry-run").stdout
    for words in ("halving by validation_loss:min, the best 1 in 2 at sft@5, sft@10", "rung sft@5: of up to 4 cells up to 2",
                  "rung sft@10: of up to 2 cells up to 1", "up to 2 of 8 runs come to their end"):
        assert words in dry, f"{words} is missing in\n{dry}"
    done = tiny.temper("sweep", experiment, *VARY, *HALVING, "--jobs", "2", "--out", folder / "a")
    sweep = tiny.sweep_folder(folder / "a")
    assert "2 of 8 runs complete, 6 stopped by halving" in done.stdout, done.stdout
    # The best cells by the values that the full sweep logged at those steps, mean over the seeds.
    def loss(run, step):
        with h5py.File(full / f"{run}.h5", "r") as file:
            (row,) = [row for row in file["stages/sft/log/validation_loss"] if row["step"] == step]
            return float(row["value"])
    cells = ["learning_rate=0.001", "learning_rate=1e-05", "learning_rate=0.003", "learning_rate=1e-04"]
    mean = lambda cell, step: (loss(f"{cell}-s1", step) + loss(f"{cell}-s2", step)) / 2
    first = sorted(cells, key=lambda cell: mean(cell, 5))
    last = min(first[:2], key=lambda cell: mean(cell, 10))
    found = states(sweep)
    assert found == {f"{cell}-s{seed}": "complete" if cell == last else "stopped" for cell in cells for seed in (1, 2)}, found
    equal_runs(sweep, full)
    rungs = verdicts(sweep)
    assert [len(rung["contenders"]) for rung in rungs] == [4, 2]
    assert [one["runs"][0][:-3] for one in rungs[0]["contenders"]] == first, rungs
    assert all(abs(one["mean"] - mean(cell, 5)) < 1e-12 for one, cell in zip(rungs[0]["contenders"], first))
    # A stopped record says why, with what was measured, and keeps its log up to the rung.
    with h5py.File(sweep / f"{first[3]}-s2.h5", "r") as file:
        assert abs(float(file.attrs["stopped_value"]) - loss(f"{first[3]}-s2", 5)) < 1e-12
        assert "rank 4 of 4; 2 go on" in str(file.attrs["stopped_because"]), file.attrs["stopped_because"]
        assert int(file["stages/sft/log/loss"][-1]["step"]) == 5
    status = tiny.temper("status", sweep).stdout
    for words in ("2 complete, 6 stopped", "rung sft@5: of 4 cells 2 go on", "halving at sft@10: validation_loss is"):
        assert words in status, f"{words} is missing in\n{status}"
    assert "halving at sft@5" in tiny.temper("status", sweep / f"{first[3]}-s2.h5").stdout
    table = json.loads(tiny.temper("compare", sweep, "--by", RATES.split("=")[0], "--format", "json").stdout)
    assert table["columns"] == [last.split("=")[1]] and sum("was stopped and is left out" in note for note in table["notes"]) == 6
    tiny.temper("report", sweep, "-o", folder / "page.html", "--quiet")
    page = (folder / "page.html").read_text()
    for words in ("2 complete, 6 stopped", "rung sft@5: of 4 cells 2 go on", "rank 4 of 4"):
        assert words in page, f"{words} is missing in the page"
    assert tiny.temper("verify", sweep, "--quiet").returncode == 0
    again = tiny.temper("resume", sweep)
    assert "0 of" in again.stderr and states(sweep) == found, again.stderr
    other = tiny.temper("sweep", experiment, *VARY, "--name", sweep.name, "--out", folder / "a", check=False)
    assert other.returncode == 2 and "holds another sweep" in other.stderr, other.stderr
    return rungs, found


def check_gone_on_with(experiment, folder, full):
    """Who wants what was stopped after all: one run by hand, all of them by the same sweep without halving."""
    sweep = tiny.sweep_folder(folder / "a")
    runs = [run for run, state in sorted(states(sweep).items()) if state == "stopped"]
    tiny.temper("resume", sweep / f"{runs[0]}.h5")
    assert "(3 of 8 runs complete, 5 stopped" in tiny.temper("resume", sweep).stdout
    tiny.temper("sweep", experiment, *VARY, "--jobs", "2", "--name", "all", "--out", folder / "a", "--quiet")
    for run in runs:
        log = (folder / "a/all/logs" / f"{run}.log").read_text()
        assert run == runs[0] or re.search("stage sft: going on from step (5|10)\n", log), log
    assert set(states(folder / "a/all").values()) == {"complete"}
    for out in (sweep, folder / "a/all"):
        equal_runs(out, full)


def check_killed(experiment, folder, full, rungs, found):
    rng = random.Random(5)
    out = folder / "killed"
    args = [tiny.TEMPER, "sweep", str(experiment), *VARY, *HALVING, "--jobs", "2", "--out", str(out), "--quiet"]
    kills = 0

    def done():
        return sum(log.read_text().count('"done"') for log in out.glob("*/events.jsonl"))

    while True:
        # After one to three further tasks, however fast the machine is.
        wanted = done() + rng.randint(1, 3)
        process = subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and (kills == 8 or done() < wanted):
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.1))
        if process.poll() is not None:
            break
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
    assert process.returncode == 0 and kills > 2, (process.returncode, kills)
    sweep = tiny.sweep_folder(out)
    assert verdicts(sweep) == rungs and states(sweep) == found
    equal_runs(sweep, full)
    return kills


def check_end_of_stage(experiment, folder, full):
    """A rung at a stage's end judges by an evaluator; what runs share up to there is judged, and computed, once."""
    out = folder / "ends"
    args = ("--vary", "stages.pretrain.learning_rate=3e-3,1e-5", "--vary", "stages.sft.learning_rate=1e-3,3e-3", "--halving",
            "perplexity.bits_per_byte:min", "--halving-rungs", "pretrain", "--halving-factor", "2", "--out", out)
    done = tiny.temper("sweep", experiment, *args)
    assert "2 of 4 runs complete, 2 stopped" in done.stdout, done.stdout
    sweep = tiny.sweep_folder(out)
    found = states(sweep)
    assert all((state == "stopped") == ("pretrain.learning_rate=1e-05" in run) for run, state in found.items()), found
    for run in found:  # one of the two was never run itself
        with h5py.File(sweep / f"{run}.h5", "r") as file:
            assert found[run] == "complete" or "perplexity.bits_per_byte is" in str(file.attrs["stopped_because"])
    bad = tiny.temper("sweep", experiment, *args[:-6], "--halving-rungs", "sft@5", "--out", folder / "no", check=False)
    assert bad.returncode == 2 and "measures complete stages" in bad.stderr, bad.stderr
    bad = tiny.temper("sweep", experiment, *VARY, "--halving", "accuracy:max", "--halving-rungs", "sft@5", "--out", folder / "no",
                      check=False)
    assert bad.returncode == 2 and "has no metric accuracy; it has" in bad.stderr, bad.stderr


def check_failures(experiment, folder):
    """Who fails or diverges before a rung is last there, and is no stopped run. Tried again in vain, it changes nothing."""
    text = experiment.read_text().replace("  sft: {", "  last: {plugin: bad_stage, from: pretrain}\n  sft: {")
    bad = folder / "bad.yaml"
    bad.write_text(text)
    out = folder / "bad"
    args = ("--vary", "stages.last.how=segv,diverges,well", "--vary", "stages.sft.from=last", "--halving",
            "perplexity.bits_per_byte:min", "--halving-rungs", "last", "--halving-factor", "2", "--plugin-path", FIXTURES,
            "--out", out)
    failed = tiny.temper("sweep", bad, *args, check=False)
    assert failed.returncode == 1 and "1 of 3 runs complete" in failed.stdout, failed.stdout + failed.stderr
    sweep = tiny.sweep_folder(out)
    found = {re.search("how=([a-z]+)", run)[1]: state for run, state in states(sweep).items()}
    assert found == {"segv": "failed", "diverges": "diverged", "well": "complete"}, found
    (rung,) = verdicts(sweep)
    assert [one["goes_on"] for one in rung["contenders"]] == [True, False, False], rung
    again = tiny.temper("resume", sweep, "--plugin-path", FIXTURES, check=False)
    assert again.returncode == 1 and "Segmentation fault" in again.stderr, again.stderr
    assert verdicts(sweep) == [rung] and {re.search("how=([a-z]+)", run)[1]: state for run, state in
                                          states(sweep).items()} == found

    # What a stopped run shares with one that fails later does not make it a failed one.
    shared = folder / "shared.yaml"
    shared.write_text(experiment.read_text().replace("evaluators:", "  last: {plugin: bad_stage, from: pretrain, how: segv}\n"
                                                     "evaluators:"))
    args = ("--vary", "stages.sft.learning_rate=3e-3,1e-6", "--halving", "validation_loss:min", "--halving-rungs", "sft",
            "--halving-factor", "2", "--plugin-path", FIXTURES, "--out", folder / "shared")
    failed = tiny.temper("sweep", shared, *args, check=False)
    assert failed.returncode == 1, failed.stderr
    found = {re.search("rate=(.*)-s3", run)[1]: state for run, state in states(tiny.sweep_folder(folder / "shared")).items()}
    assert found == {"0.003": "failed", "1e-06": "stopped"}, found


def check_failed_once(experiment, folder, full, rungs, found):
    """A rung that was decided without a killed run is judged again when that run comes to it after all."""
    out = folder / "once"
    process = subprocess.Popen([tiny.TEMPER, "sweep", str(experiment), *VARY, *HALVING, "--out", str(out)],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    best = [run for run, state in found.items() if state == "complete"]
    killed = set()
    while process.poll() is None:
        for child in subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split():
            command = pathlib.Path(f"/proc/{child}/cmdline")
            words = command.read_text().split("\0") if command.exists() else []
            if "--until" in words and any(run in " ".join(words) for run in best) and child not in killed:
                killed.add(child)
                os.kill(int(child), signal.SIGKILL)
        time.sleep(0.02)
    errors = process.communicate()[1]
    assert process.returncode == 1 and errors.count("FAILED") == 2, (process.returncode, errors)
    sweep = tiny.sweep_folder(out)
    first = verdicts(sweep)[0]["contenders"]
    assert first[-1]["mean"] is None and not first[-1]["goes_on"] and set(first[-1]["runs"]) == set(best), first
    again = tiny.temper("resume", sweep)
    assert verdicts(sweep) == rungs, verdicts(sweep)
    assert all(states(sweep)[run] == "complete" for run in best), states(sweep)
    equal_runs(sweep, full)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        experiment = small(folder)
        tiny.temper("sweep", experiment, *VARY, "--jobs", "2", "--out", folder / "full", "--quiet")
        full = tiny.sweep_folder(folder / "full")
        rungs, found = check_straight(experiment, folder, full)
        check_gone_on_with(experiment, folder, full)
        kills = check_killed(experiment, folder, full, rungs, found)
        check_failed_once(experiment, folder, full, rungs, found)
        check_end_of_stage(experiment, folder, full)
        check_failures(experiment, folder)
        print(f"halving is the same after {kills} kills, and complete runs are those of the sweep that stops nobody")


main()
