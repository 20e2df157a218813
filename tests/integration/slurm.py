#!/usr/bin/env python3
"""A sweep through a real Slurm of one node ends with the bits of the same sweep without it: when its coordinator is killed and
another one takes over, when a node dies, when cells are stopped at a rung, when cells fail in all ways. And ranks that srun starts make the run that --nproc makes."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import slurm_cluster
import tiny

try:
    import h5py
except ImportError:
    print("SKIPPED: Python has no h5py; install python3-h5py")
    sys.exit(77)

FIXTURES = pathlib.Path(os.environ["TEMPER_BUILD_DIR"]) / "fixtures" / "bad_stage"
VARY = ("--vary", "stages.sft.steps=10,20", "--seeds", "1..2")
SLURM = ("--launcher", "slurm")
LONGEST = 90  # seconds that anything may take


def small(folder):
    experiment = tiny.write_experiment(folder)
    text = experiment.read_text().replace("steps: 60", "steps: 150", 1).replace("steps: 60", "steps: 20")
    text = text.replace("documents: 20", "documents: 5")
    experiment.write_text(text.replace("items: 40", "items: 12"))
    return experiment


def results(sweep):
    found = {}
    for record in sorted(sweep.glob("*.h5")):
        found[record.stem] = tiny.summary(record)
        assert found[record.stem]["status"] == "complete", (record, found[record.stem]["status"])
    return found


def events(sweep, *kinds):
    path = sweep / "events.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [line for line in lines if line["event"] in kinds]


def wait_for(condition, what):
    end = time.monotonic() + LONGEST
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise SystemExit(f"waited in vain for {what}")


class Temper:
    """The program with the cluster's environment."""

    def __init__(self, cluster):
        self.cluster = cluster

    def start(self, *args):
        return subprocess.Popen([tiny.TEMPER, *map(str, args)], env=self.cluster.env, text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT)

    def run(self, *args, code=0, env=None):
        done = subprocess.run([tiny.TEMPER, *map(str, args)], env=env or self.cluster.env, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=200)
        if done.returncode != code:
            raise SystemExit(f"temper {' '.join(map(str, args))} ended with {done.returncode}:\n{done.stdout}\n"
                             f"{self.cluster.log()}")
        return done.stdout


def check_taken_over(temper, experiment, folder, expected):
    """The coordinator dies, the tasks do not; the next one finds them and submits nothing again."""
    sweep = folder / "over/s"
    first = temper.start("sweep", experiment, *VARY, *SLURM, "--out", folder / "over", "--name", "s")
    wait_for(lambda: len(events(sweep, "queued")) == 6, "six queued tasks")
    status = temper.run("status", sweep)
    assert "in Slurm:" in status and "queued (" in status, status
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert temper.cluster.ask("squeue", "-h"), "nothing is left to take over"
    refused = temper.run("resume", sweep, "--launcher", "local", code=2)
    assert "are in Slurm" in refused and "scancel" in refused, refused
    output = temper.run("resume", sweep)
    assert "tasks of an earlier command are taken over" in output, output
    assert "keeps no accounting here" in output, output
    # Two tasks that all others share, then those of each of them together: no more was ever submitted.
    assert len(list(sweep.glob("slurm/*/job"))) == 3, list(sweep.glob("slurm/*"))
    assert len(events(sweep, "queued")) == 6
    assert results(sweep) == expected, "other results than without Slurm"
    again = temper.run("sweep", experiment, *VARY, *SLURM, "--out", folder / "over", "--name", "s")
    assert "0 of 6 tasks to do" in again, again


def check_node_dies(temper, experiment, folder, expected):
    """Its tasks have come to a checkpoint, and go on from there when the node is back."""
    sweep = folder / "node/s"
    process = temper.start("sweep", experiment, *VARY, *SLURM, "--retry", "1", "--out", folder / "node", "--name", "s")
    wait_for(lambda: list((folder / "node/cache").glob("stages/*/step*")), "a checkpoint")
    temper.cluster.kill_node()
    wait_for(lambda: "down" in temper.cluster.ask("sinfo", "-h", "-o", "%T"), "Slurm's word that the node is down")
    temper.cluster.start_node()
    output, _ = process.communicate(timeout=LONGEST)
    assert process.returncode == 0, (output, temper.cluster.log())
    assert "NODE_FAIL" in output and any("NODE_FAIL" in event["reason"] for event in events(sweep, "retry")), output
    assert results(sweep) == expected, "other results than without Slurm"


def check_halving(temper, experiment, folder):
    """What is behind a rung is submitted when the rung is decided, by whichever command is there then."""
    short = folder / "short.yaml"
    short.write_text(experiment.read_text().replace("steps: 150", "steps: 20").replace("validate_every: 20", "validate_every: 5"))
    args = ("sweep", short, "--vary", "stages.sft.learning_rate=1e-3,1e-5,3e-3", "--seeds", "1..2", "--halving",
            "validation_loss:min", "--halving-rungs", "sft@10", "--halving-factor", "3", "--name", "halved", "--out")
    temper.run(*args, folder / "local", "--jobs", "2")
    sweep = folder / "over/halved"
    first = temper.start(*args, folder / "over", *SLURM)
    wait_for(lambda: len(events(sweep, "queued")) == 8, "two shared tasks and six to the rung")
    first.send_signal(signal.SIGKILL)
    first.communicate()
    output = temper.run("resume", sweep)
    assert "2 of 6 runs complete, 4 stopped by halving" in output, output
    facts = lambda record: {name: str(record.attrs.get(name)) for name in ("status", "stopped_because", "stopped_value")}
    for record in (folder / "local/halved").glob("*.h5"):
        with h5py.File(record, "r") as here, h5py.File(sweep / record.name, "r") as there:
            assert facts(here) == facts(there), (record.name, facts(here), facts(there))
            complete = str(here.attrs["status"]) == "complete"
        assert not complete or tiny.summary(record) == tiny.summary(sweep / record.name), record.name
    assert json.loads((sweep / "halving.json").read_text()) == json.loads((folder / "local/halved/halving.json").read_text())


def check_failures(temper, experiment, folder):
    bad = folder / "bad.yaml"
    bad.write_text(experiment.read_text().replace("evaluators:", "  last: {plugin: bad_stage, from: sft}\nevaluators:"))
    sweep = folder / "over/bad"
    args = ("sweep", bad, "--vary", "stages.last.how=well,segv,throws,hangs,diverges", *SLURM, "--jobs", "3", "--plugin-path",
            FIXTURES, "--out", folder / "over", "--name", "bad")
    first = temper.start(*args)
    cell = "how=hangs-s3"
    wait_for(lambda: any(event["task"] == cell for event in events(sweep, "start")), "the hanging cell")
    # Ctrl-C ends the command and not the tasks.
    first.send_signal(signal.SIGINT)
    output, _ = first.communicate(timeout=LONGEST)
    assert first.returncode == 130 and "in Slurm and go on there" in output, output
    (job,) = {event["where"].split()[-1] for event in events(sweep, "queued") if event["task"] == cell}
    status = temper.run("status", sweep)
    assert "running on" in status and job in status, status
    # While nobody looks, the others end, and this one is cancelled.
    wait_for(lambda: temper.cluster.ask("squeue", "-h", "-r", "-o", "%i").split() == [job], "the end of the other cells")
    temper.cluster.ask("scancel", job)
    again = temper.start("resume", sweep, "--plugin-path", FIXTURES)
    # What failed meanwhile is told, and tried again.
    wait_for(lambda: any(event["task"] == cell for event in events(sweep, "retry")), "word of the cancelled cell")
    job = wait_for(lambda: [event["where"].split()[-1] for event in events(sweep, "start") if event["task"] == cell][1:],
                   "the hanging cell, again")[-1]
    temper.cluster.ask("scancel", job)
    output, _ = again.communicate(timeout=LONGEST)
    assert again.returncode == 1 and "1 of 5 runs complete" in output, output
    for words in ("Segmentation fault", "the stage wants other data", "was cancelled in Slurm"):
        assert words in output, f"{words} is missing in\n{output}"
    states, notes = tiny.sweep_states(sweep)
    assert any("was cancelled in Slurm" in note for note in notes["hangs"]), notes
    assert states == {"well": "complete", "diverges": "diverged", "segv": "failed", "throws": "failed",
                      "hangs": "failed"}, states


def check_refusals(temper, experiment, folder):
    env = temper.cluster.env
    args = ("sweep", experiment, *VARY, "--out", folder / "no", "--name", "s")
    for more, words in (((*SLURM, "--slurm-partition", "nowhere"), "invalid partition"),
                        ((*SLURM, "--slurm-arg", "array=1"), "sets itself"),
                        ((*SLURM, "--slurm-time", "5", "--timeout", "9"), "leave one of them out"),
                        (("--slurm-mem", "1G"), "is for --launcher slurm"),
                        (("--launcher", "sge"), "must be local or slurm")):
        output = temper.run(*args, *more, code=2)
        assert words in output, output
    output = temper.run(*args, *SLURM, code=2, env=dict(env, PATH=str(folder)))
    assert "'sbatch' is not on this machine's PATH" in output, output
    for variables in (dict(WORLD_SIZE="2", RANK="0"), dict(SLURM_STEP_NUM_TASKS="2", SLURM_PROCID="1")):
        output = temper.run(*args, code=2, env=dict(env, **variables))
        assert "a sweep is led by one process" in output and "one of 2" in output, output


def check_srun(temper, experiment, folder):
    """Twice two ranks, started in two ways; and a sweep inside a step of one task, whose workers are no ranks."""
    common = ("--seed", "1", "--quiet")
    nproc = temper.start("run", experiment, "--nproc", "2", "--out", folder / "nproc", *common)
    step = subprocess.Popen(["srun", "-n", "2", tiny.TEMPER, "run", str(experiment), "--out", str(folder / "srun"), *common],
                            env=temper.cluster.env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for process in (nproc, step):
        output, _ = process.communicate(timeout=LONGEST)
        assert process.returncode == 0, (output, temper.cluster.log())
    expected = tiny.summary(tiny.only_record(folder / "nproc"))
    assert expected["ranks"] == "2" and expected["status"] == "complete"
    assert tiny.summary(tiny.only_record(folder / "srun")) == expected, "srun's ranks make another run than --nproc"
    output = temper.run("eval", f"{tiny.only_record(folder / 'srun')}:sft", "--out", folder / "no", code=2,
                        env=dict(temper.cluster.env, WORLD_SIZE="2", RANK="1"))
    assert "an evaluation is led by one process" in output, output
    refused = subprocess.run(["srun", "-n", "2", tiny.TEMPER, "sweep", str(experiment), *VARY, "--out", str(folder / "no")],
                             env=temper.cluster.env, text=True, capture_output=True, timeout=LONGEST)
    assert refused.returncode == 2 and "a sweep is led by one process" in refused.stderr, refused.stderr


def run_parts(cluster, folder, experiment):
    temper = Temper(cluster)
    check_refusals(temper, experiment, folder)
    temper.run("sweep", experiment, *VARY, "--jobs", "2", "--out", folder / "local", "--name", "s")
    expected = results(folder / "local/s")
    assert len(expected) == 4
    for part, check in (("taken over", lambda: check_taken_over(temper, experiment, folder, expected)),
                        ("node dies", lambda: check_node_dies(temper, experiment, folder, expected)),
                        ("halving", lambda: check_halving(temper, experiment, folder)),
                        ("failures", lambda: check_failures(temper, experiment, folder)),
                        ("srun", lambda: check_srun(temper, experiment, folder))):
        began = time.monotonic()
        check()
        print(f"{part}: {time.monotonic() - began:.0f} s", flush=True)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        try:
            with slurm_cluster.Cluster(folder / "cluster") as cluster:
                run_parts(cluster, folder, small(folder))
        except slurm_cluster.CannotStart as error:
            print(f"SKIPPED: no Slurm for the test: {error}")
            sys.exit(77)


main()
