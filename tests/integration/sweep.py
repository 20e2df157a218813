#!/usr/bin/env python3
"""A sweep computes what its runs share once, survives crashing, hanging and killed workers and its own death, goes on with
exactly what is missing, and ends with the same bits as a sweep that nothing disturbed (P-SWEEP-01, 02, 03)."""
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

FIXTURES = pathlib.Path(os.environ["TEMPER_BUILD_DIR"]) / "fixtures" / "bad_stage"
VARY = ("--vary", "stages.sft.learning_rate=1e-3,3e-3,0.001", "--vary", "stages.sft.steps=10,20", "--seeds", "1..2")


def small(folder):
    experiment = tiny.write_experiment(folder)
    text = experiment.read_text().replace("steps: 60", "steps: 20").replace("documents: 20", "documents: 5")
    experiment.write_text(text.replace("items: 40", "items: 12"))
    return experiment


def weights(sweep):
    found = {}
    for record in sorted(sweep.glob("*.h5")):
        with h5py.File(record, "r") as file:
            assert str(file.attrs["status"]) == "complete", record
            found[record.stem] = [str(file[f"stages/{name}"].attrs["checkpoint_sha256"]) for name in ("pretrain", "sft")]
            found[record.stem] += [float(row["value"]) for row in file["stages/sft/evals/perplexity/metrics"]]
    return found


def computed(sweep):
    """Tasks that workers finished."""
    lines = (sweep / "events.jsonl").read_text().split("\n")[:-1]  # whole ones
    return [event["task"] for event in map(json.loads, lines) if event["event"] == "done"]


def check_straight(experiment, folder):
    dry = tiny.temper("sweep", experiment, *VARY, "--out", folder / "a", "--dry-run").stdout
    # 0.001 is 1e-3 in another spelling: 2 rates x 2 lengths x 2 seeds, each seed pretrained once.
    assert "8 runs, 10 distinct of 16 stages" in dry and "4 runs have the same settings" in dry, dry
    assert "0 distinct stages are in the cache, 10 are to compute; nothing like them" in dry, dry
    assert not (folder / "a").exists(), "a dry run has written something"
    done = tiny.temper("sweep", experiment, *VARY, "--jobs", "2", "--out", folder / "a")
    sweep = tiny.sweep_folder(folder / "a")
    straight = weights(sweep)
    assert len(straight) == 8 and "learning_rate=0.001-steps=10-s1" in straight, straight.keys()
    assert len(computed(sweep)) == 10, computed(sweep)
    assert "8 of 8 runs complete" in done.stdout and "0.001, 10" in done.stdout, done.stdout
    entries = json.loads(tiny.temper("cache", "list", "--out", folder / "a", "--format", "json").stdout)["entries"]
    assert sum(entry["kind"] == "stage" for entry in entries) == 10
    dry = tiny.temper("sweep", experiment, *VARY, "--out", folder / "a", "--dry-run").stdout
    assert "10 distinct stages are in the cache, 0 are to compute\n" in dry and "pretrain (cached)  sft (cached)" in dry, dry
    longer = tiny.temper("sweep", experiment, *VARY, "--set", "stages.sft.batch_size=1", "--out", folder / "a", "--dry-run").stdout
    assert "2 distinct stages are in the cache, 8 are to compute: about " in longer, longer
    apart = tiny.temper("sweep", experiment, *VARY, "--out", folder / "a", "--no-cache", "--dry-run").stdout
    assert "0 distinct stages are in the cache, 10 are to compute" in apart, apart
    again = tiny.temper("sweep", experiment, *VARY, "--out", folder / "a")
    assert "0 of 10 tasks to do" in again.stderr, again.stderr
    table = json.loads(tiny.temper("compare", sweep, "--by", "stages.sft.steps", "--format", "json").stdout)
    assert table["columns"] == ["10", "20"] and table["rows"][0]["runs"] == 4, table["columns"]
    effects = json.loads(tiny.temper("compare", sweep, "--effects", "--metric", "bits_per_byte", "--format", "json").stdout)
    (metric,) = effects["metrics"]
    assert effects["axes"] == ["stages.sft.learning_rate", "stages.sft.steps"], effects["axes"]
    (steps,) = [level for level in metric["levels"] if level["level"] == "20"]
    runs = {record.stem: values[2] for record, values in zip(sorted(sweep.glob("*.h5")), straight.values())}
    mean = lambda words: sum(value for name, value in runs.items() if words in name) / 4
    assert abs(steps["effect"]["value"] - (mean("steps=20") - mean("steps=10"))) < 1e-9, (steps, runs)
    assert steps["effect"]["comparisons"] == 4 and steps["effect"]["seeds"] == 2 and len(metric["interactions"]) == 1, metric
    assert tiny.temper("compare", next(sweep.glob("*.h5")), "--effects", check=False).returncode == 2
    assert "8 complete" in tiny.temper("status", sweep).stdout
    return straight


def check_killed(experiment, folder, straight, after, whom):
    """Once so many of the ten tasks are done, however fast the machine is."""
    out = folder / f"killed{after}"
    process = subprocess.Popen([tiny.TEMPER, "sweep", str(experiment), *VARY, "--jobs", "2", "--out", str(out), "--quiet"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and sum(len(computed(log.parent)) for log in out.glob("*/events.jsonl")) < after:
        time.sleep(0.005)
    assert process.poll() is None, "the sweep was over before it could be killed"
    if whom == "worker":
        children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split()
        for child in children[:1]:
            os.kill(int(child), signal.SIGKILL)
    else:
        process.send_signal(signal.SIGKILL if whom == "sweep" else signal.SIGINT)
    code = process.wait()
    if whom == "ctrl-c":
        assert code == 130, code
    for record in out.glob("*/*.h5"):
        with h5py.File(record, "r") as file:
            assert "status" in file.attrs
    time.sleep(0.5)  # workers of a dead sweep stop by themselves
    sweep = tiny.sweep_folder(out)
    tiny.temper("resume", sweep, "--jobs", "2", "--quiet")
    assert weights(sweep) == straight, whom


def check_failures(experiment, folder):
    text = experiment.read_text().replace("evaluators:", "  last: {plugin: bad_stage, from: sft}\nevaluators:")
    bad = folder / "bad.yaml"
    bad.write_text(text)
    out = folder / "bad"
    args = ("--vary", "stages.last.how=well,segv,abort,killed,throws,hangs,diverges", "--jobs", "2", "--timeout", "4",
            "--plugin-path", FIXTURES, "--out", out)
    failed = tiny.temper("sweep", bad, *args, check=False)
    assert failed.returncode == 1, failed.stderr
    for words in ("Segmentation fault", "Aborted", "Killed", "the stage wants other data", "--timeout"):
        assert words in failed.stderr, f"{words} is missing in\n{failed.stderr}"
    sweep = tiny.sweep_folder(out)
    states, notes = tiny.sweep_states(sweep)
    assert any("Segmentation fault" in note for note in notes["segv"]), notes
    assert states == {"well": "complete", "diverges": "diverged", **{how: "failed" for how in
                      ("segv", "abort", "killed", "throws", "hangs")}}, states
    assert tiny.temper("resume", sweep, "--plugin-path", FIXTURES, "--timeout", "4", check=False).returncode == 1
    fast = tiny.temper("sweep", bad, "--vary", "stages.last.how=segv,well", "--fail-fast", "--plugin-path", FIXTURES, "--out",
                       folder / "fast", check=False)
    assert fast.returncode == 1 and "0 of 2 runs complete" in fast.stdout, fast.stdout


def check_refusals(experiment, folder):
    for args, words in ((("--vary", "stages.sft.learning_rat=1"), "did you mean"),
                        (("--vary", "stages.sft.steps=10,x"), "cell stages.sft.steps=x"),
                        (("--vary", "stages.sft.steps"), "KEY=VALUE"),
                        (("--vary", "stages.sft.steps=1,2", "--exclude", "stages.sft.steps=1", "--exclude",
                          "stages.sft.steps=2"), "everything is excluded"),
                        (("--vary", "stages.sft.learning_rate=uniform(0,1)"), "--draws"),
                        (("--seeds", "3..1",), "no range"),
                        (("--vary", "stages.sft.steps=1,2", "--vary", "seed=1", "--jobs", "0"), "--jobs")):
        done = tiny.temper("sweep", experiment, *args, "--out", folder / "no", check=False)
        assert done.returncode == 2 and words in done.stderr, done.stderr
    assert not (folder / "no").exists()


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        experiment = small(folder)
        check_refusals(experiment, folder)
        straight = check_straight(experiment, folder)
        check_killed(experiment, folder, straight, 3, "sweep")
        check_killed(experiment, folder, straight, 1, "worker")
        check_killed(experiment, folder, straight, 5, "ctrl-c")
        check_failures(experiment, folder)
        print("one sweep, three deaths, seven ways to end; all as it should be")


main()
