#!/usr/bin/env python3
"""What temper wrote stays whole, or it is told what is not: `temper verify` on damaged copies, a full disk, a limit on file
sizes, a read-only folder, two sweeps in one folder at once, a record that another program holds open, a clock that was set
back, and a sweep that keeps to its own cache."""
import json
import pathlib
import resource
import shutil
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

VARY = ("--vary", "stages.sft.learning_rate=1e-3,3e-3")


def small(folder):
    experiment = tiny.write_experiment(folder)
    text = experiment.read_text().replace("steps: 60", "steps: 8").replace("documents: 20", "documents: 3")
    experiment.write_text(text.replace("items: 40", "items: 6").replace("max_new_tokens: 12", "max_new_tokens: 4"))
    return experiment


def run_sweep(experiment, out, name, *args):
    return tiny.temper("sweep", experiment, *VARY, "--jobs", "2", "--name", name, "--out", out, *args)


def faults(*paths):
    """What verify says is wrong; its exit code has to agree."""
    done = tiny.temper("verify", *paths, "--format", "json", check=False)
    found = json.loads(done.stdout)
    wrong = [one for one in found["findings"] if one["state"] in ("damaged", "missing")]
    assert done.returncode == (3 if wrong else 0) and found["intact"] == (not wrong), (done.returncode, done.stdout)
    assert all(one["reason"] for one in wrong), wrong
    return wrong


def tree(folder):
    return {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.rglob("*")}


def check_damage(out):
    """Each kind of file, damaged in a copy of the results and found from the top."""
    assert faults(out) == []
    before = tree(out)
    said = tiny.temper("verify", out).stdout
    assert tree(out) == before, "verify changed something"
    assert said.count("intact") == len(said.splitlines()) and "sweep plan" in said and "cached evaluation" in said, said
    # tests/unit/verify damages every kind of file in many places; here one of each shows that the program finds them.
    one = lambda pattern: sorted(out.glob(pattern))[0]
    names = lambda wrong, path: any(str(path).startswith(fault["path"]) for fault in wrong)
    for path, gone in ((one("s/sweep.json"), False), (one("s/*.h5"), True), (one("s/*/sft/final/model.safetensors"), True),
                       (one("cache/stages/*/stage.h5"), True), (one("cache/evals/*.h5"), False)):
        whole = path.read_bytes()
        flipped = bytearray(whole)
        flipped[len(whole) // 2] ^= 4
        # A new file: the cache and the runs share theirs by hard links, and only this one is to be damaged.
        path.rename(out / "aside")
        if gone:
            assert names(faults(out), path), (path, "is gone, which was not found")
        path.write_bytes(flipped)
        assert names(faults(out), path), (path, "is damaged, which was not found")
        path.unlink()
        (out / "aside").rename(path)
    assert faults(out) == []


def in_namespace(script, *args):
    """A shell script with mounts of its own; None if the system does not allow that."""
    if subprocess.run(["unshare", "--map-root-user", "--mount", "true"], capture_output=True).returncode != 0:
        return None
    return subprocess.run(["unshare", "--map-root-user", "--mount", "bash", "-ec", script, "_", *map(str, args)], text=True,
                          capture_output=True, timeout=120)


def check_full_disk(experiment, folder):
    # The sweep meets a full disk half-way; with room it goes on. The disk goes with the namespace, so both happen in it.
    script = """
      mkdir "$2"; mount -t tmpfs -o size=700k none "$2"
      code=0; "$1" sweep "$3" --vary stages.sft.learning_rate=1e-3 --name s --out "$2" > "$4/said" 2>&1 || code=$?
      echo "full $code"
      code=0; "$1" verify "$2" --quiet || code=$?
      echo "verify $code"
      mount -o remount,size=50m "$2"
      "$1" resume "$2/s" --quiet > /dev/null
      "$1" verify "$2" --quiet"""
    done = in_namespace(script, tiny.TEMPER, folder / "disk", experiment, folder)
    if done is None:
        return "SKIPPED: no private mounts here, so no full disk and no read-only one"
    said = (folder / "said").read_text()
    assert done.returncode == 0, done.stdout + done.stderr + said
    assert "full 1" in done.stdout or "full 3" in done.stdout, done.stdout + said
    assert "No space left" in said, said
    assert "verify 0" in done.stdout or "verify 3" in done.stdout, done.stdout
    return "a full disk"


def check_read_only(out, folder):
    script = """
      mount --bind "$2" "$2"; mount -o remount,ro,bind "$2"
      "$1" verify "$2" --quiet; "$1" status "$2/s" > /dev/null; "$1" compare "$2/s" > /dev/null
      "$1" cache list --out "$2" > /dev/null; "$1" cache verify --out "$2"
      code=0; "$1" resume "$2/s" || code=$?
      echo "resume $code"
      code=0; "$1" run "$3" --out "$2" --quiet || code=$?
      echo "run $code" """
    done = in_namespace(script, tiny.TEMPER, out, folder / "tiny.yaml")
    if done is None:
        return
    assert done.returncode == 0 and "resume 3" in done.stdout and "run 3" in done.stdout, done.stdout + done.stderr
    assert done.stderr.count("Read-only file system") == 2, done.stderr


def check_file_limit(experiment, folder):
    # Files of up to 100 kB: the first checkpoint does not fit.
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    done = subprocess.run([tiny.TEMPER, "run", str(experiment), "--out", str(folder / "limited"), "--quiet"], text=True,
                          capture_output=True, preexec_fn=limit, timeout=60)
    assert done.returncode == 3 and "File too large" in done.stderr, (done.returncode, done.stderr)
    assert faults(folder / "limited") == []


def check_two_at_once(experiment, folder):
    out = folder / "twice"
    args = [tiny.TEMPER, "sweep", str(experiment), *VARY, "--set", "stages.sft.steps=60", "--name", "s", "--out", str(out),
            "--quiet"]
    first = subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while not (out / "s/events.jsonl").exists():
        assert first.poll() is None, first.stderr.read()
        time.sleep(0.02)
    for second in (args, [tiny.TEMPER, "resume", str(out / "s")]):
        done = subprocess.run(second, text=True, capture_output=True, timeout=60)
        assert done.returncode == 3 and f"is being run by process {first.pid} on" in done.stderr, done.stderr
    assert faults(out) == []  # a sweep at work can be verified
    first.send_signal(signal.SIGINT)
    first.wait()
    done = subprocess.run([tiny.TEMPER, "resume", str(out / "s"), "--quiet"], text=True, capture_output=True, timeout=120)
    assert done.returncode == 0 and "2 of 2 runs complete" in done.stdout, done.stdout + done.stderr


def check_open_elsewhere(experiment, folder):
    out = folder / "open"
    process = subprocess.Popen([tiny.TEMPER, "run", str(experiment), "--set", "stages.sft.steps=60", "--out", str(out)],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while not list(out.glob("tiny/*.h5")):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)
    (record,) = out.glob("tiny/*.h5")
    # Another program reads the record all the while: HDF5 locks the file, and temper puts new ones in its place.
    with h5py.File(record, "r") as file:
        assert process.wait() == 0, process.stderr.read()
        assert str(file.attrs["status"]) == "running"
    with h5py.File(record, "r") as file:
        assert str(file.attrs["status"]) == "complete"
    with h5py.File(record, "a") as file:
        done = tiny.temper("compare", record)
        assert "perplexity" in done.stdout
        file.attrs["remark"] = "mine"
    # That program changed it, so nobody can say any more that it is what temper wrote; it can still be read.
    (wrong,) = faults(record)
    assert "no check sum" in wrong["reason"] or "check sum" in wrong["reason"], wrong


def check_clock(out):
    """A cache entry from the future, which is what the clock being set back makes of all of them."""
    copy = out.parent / "future"
    shutil.copytree(out, copy)
    for path in copy.glob("cache/stages/*/done.json"):
        done = json.loads(path.read_text())
        done["created"] = "2999-01-01T00:00:00Z"
        path.write_text(json.dumps(done))
    shutil.rmtree(copy / "s")
    assert "3 entries" in tiny.temper("cache", "prune", "--out", copy).stdout
    assert not list(copy.glob("cache/stages/*/done.json"))


def check_own_cache(experiment, out):
    done = run_sweep(experiment, out, "own", "--no-cache")
    assert "2 of 2 runs complete" in done.stdout, done.stdout
    events = [json.loads(line) for line in (out / "own/events.jsonl").read_text().splitlines()]
    assert sum(event["event"] == "done" for event in events) == 3, events
    logs = "".join(path.read_text() for path in (out / "own/logs").iterdir())
    assert logs.count("stage pretrain: taken from the cache") == 2 and "stage sft: taken" not in logs, logs
    keys = {path.name for path in (out / "cache/stages").iterdir()}
    assert len(keys) == 3 and not (out / "own/work/cache").exists(), keys
    pairs = [{record.stem: str(h5py.File(record, "r")["stages/sft"].attrs["checkpoint_sha256"])
              for record in (out / name).glob("*.h5")} for name in ("s", "own")]
    assert pairs[0] == pairs[1], pairs
    # Stopped and resumed without saying it again, it still shares with itself only.
    args = [tiny.TEMPER, "sweep", str(experiment), *VARY, "--seeds", "9", "--name", "stopped", "--out", str(out), "--no-cache"]
    process = subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list(out.glob("stopped/work/cache/stages/*/done.json")):
        assert process.poll() is None, "the sweep ended before it could be stopped"
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    tiny.temper("resume", out / "stopped", "--quiet")
    assert {path.name for path in (out / "cache/stages").iterdir()} == keys
    assert not (out / "stopped/work/cache").exists()


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        experiment = small(folder)
        out = folder / "out"
        run_sweep(experiment, out, "s")
        check_damage(out)
        check_clock(out)
        disk = check_full_disk(experiment, folder)
        check_read_only(out, folder)
        check_file_limit(experiment, folder)
        check_two_at_once(experiment, folder)
        check_open_elsewhere(experiment, folder)
        check_own_cache(experiment, out)
        print(f"damage of every kind was found; {disk}, a limit, two at once and others' hands did no harm")


main()
