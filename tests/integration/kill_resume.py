#!/usr/bin/env python3
"""kill -9 at random moments of a run: every record opens, and resuming ends with the straight run's weights, bit for bit,
and with the same log and metrics, each point once."""
import os
import pathlib
import random
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

MOMENTS = int(os.environ.get("TEMPER_KILLS", "10"))


def start(args, cwd):
    return subprocess.Popen([tiny.TEMPER, *map(str, args)], cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main():
    rng = random.Random(11)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        experiment = tiny.write_experiment(folder)
        began = time.monotonic()
        tiny.temper("run", experiment, "--out", folder / "straight", "--quiet")
        length = time.monotonic() - began
        expected = tiny.summary(tiny.only_record(folder / "straight"))
        assert expected["status"] == "complete", expected["status"]
        opened = 0
        for moment in range(MOMENTS):
            out = folder / f"killed{moment}"
            process = start(["run", experiment, "--out", out, "--quiet"], folder)
            while True:
                time.sleep(rng.uniform(0.05, length))
                process.send_signal(signal.SIGKILL)
                process.wait()
                records = list(out.glob("tiny/*.h5"))
                if not records:
                    break
                with h5py.File(records[0], "r") as file:
                    file.visititems(lambda _, node: node[()] if isinstance(node, h5py.Dataset) else None)
                    opened += 1
                if rng.random() < 0.5:
                    break
                process = start(["resume", records[0], "--quiet"], folder)
            if not records:  # killed before there was a record: nothing was made, so nothing is lost
                tiny.temper("run", experiment, "--out", out, "--quiet")
            else:
                tiny.temper("resume", records[0], "--quiet")
            got = tiny.summary(tiny.only_record(out))
            for key in expected:
                assert got.get(key) == expected[key], f"kill {moment}: {key} differs"
            assert got.keys() == expected.keys(), f"kill {moment}: {got.keys() ^ expected.keys()}"
        assert opened > 0
        print(f"{MOMENTS} runs killed and resumed, {opened} records opened after a kill, all equal to the straight run")


main()
