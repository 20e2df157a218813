#!/usr/bin/env python3
"""The launchers that people have: torchrun and mpirun start two ranks of a run, which gives the bits that --nproc 2 gives; a
rank that is killed ends the run, torchrun starts its processes anew if told to, and `temper resume` under it ends with the
straight run's result. torchrun is the one on PATH, or the command in TEMPER_TORCHRUN ("python -m torch.distributed.run")."""
import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import tiny

try:
    import h5py  # noqa: F401 (tiny.summary needs it)
except ImportError:
    print("SKIPPED: Python has no h5py; install python3-h5py")
    sys.exit(77)

LONGEST_END = 60  # seconds; torchrun itself waits up to 30 for its processes


def command_of_torchrun():
    given = os.environ.get("TEMPER_TORCHRUN", "")
    return shlex.split(given) if given else ["torchrun"] if shutil.which("torchrun") else []


def port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


def torchrun_command(torchrun, *more):
    return [*torchrun, "--nproc_per_node", "2", "--master_port", port(), *more, "--no-python", tiny.TEMPER]


def mpirun_command(mpirun):
    # Its ranks find one another by themselves, temper's need the address.
    env = ["-x", "MASTER_ADDR=127.0.0.1", "-x", f"MASTER_PORT={port()}"]
    return [mpirun, "--allow-run-as-root", "--oversubscribe", "-n", "2", *env, tiny.TEMPER]


def run_args(folder, name):
    return ["run", folder / "tiny.yaml", "--quiet", "--out", folder / name, "--cache", folder / f"{name}_cache"]


def call(command, args, code=0):
    done = subprocess.run([*command, *map(str, args)], text=True, capture_output=True, timeout=300)
    assert done.returncode == code, (command, done.returncode, done.stdout, done.stderr)


def a_rank(folder, name):
    """The process id of rank 1 of the run that writes there."""
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            arguments = (entry / "cmdline").read_bytes().split(b"\0")
            if str(folder / name).encode() in arguments and b"RANK=1" in (entry / "environ").read_bytes().split(b"\0"):
                return int(entry.name)
        except OSError:
            continue
    raise SystemExit("rank 1 is not there")


def kill_one(folder, name, command, *more):
    """Kills rank 1 when there is a checkpoint; gives the launcher's exit code and what its end took."""
    launcher = subprocess.Popen([*command, *map(str, [*run_args(folder, name), *more])], text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT)
    end = time.monotonic() + 60
    while not list((folder / f"{name}_cache").glob("stages/*/step*")):
        assert launcher.poll() is None and time.monotonic() < end, launcher.communicate()[0]
        time.sleep(0.02)
    os.kill(a_rank(folder, name), signal.SIGKILL)
    began = time.monotonic()
    output, _ = launcher.communicate(timeout=LONGEST_END)
    return launcher.returncode, time.monotonic() - began, output


def main():
    torchrun, mpirun = command_of_torchrun(), shutil.which("mpirun")
    if not torchrun and not mpirun:
        print("SKIPPED: neither torchrun (PATH or TEMPER_TORCHRUN) nor mpirun (Debian: openmpi-bin) is here")
        sys.exit(77)
    shown = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        tiny.write_experiment(folder)
        tiny.temper(*run_args(folder, "straight"), "--nproc", 2)
        expected = tiny.summary(tiny.only_record(folder / "straight"))
        if mpirun:
            call(mpirun_command(mpirun), run_args(folder, "mpirun"))
            assert tiny.summary(tiny.only_record(folder / "mpirun")) == expected
            shown.append("mpirun gives what --nproc gives")
        if torchrun:
            call(torchrun_command(torchrun), run_args(folder, "torchrun"))
            assert tiny.summary(tiny.only_record(folder / "torchrun")) == expected
            code, took, output = kill_one(folder, "killed", torchrun_command(torchrun))
            assert code != 0, output
            record = tiny.only_record(folder / "killed")
            call(torchrun_command(torchrun), ["resume", record, "--quiet"])
            assert tiny.summary(record) == expected
            # Started anew by torchrun, with the store of the attempt before: the record is there and the run goes on.
            record = folder / "anew" / "kept.h5"
            code, _, output = kill_one(folder, "anew", torchrun_command(torchrun, "--max_restarts", "1"), "--record", record)
            assert code == 0, output
            assert tiny.summary(record) == expected
            shown.append(f"torchrun gives what --nproc gives, ended {took:.1f} s after a rank was killed, went on, and started "
                         "ranks anew")
    if not torchrun or not mpirun:
        shown.append(f"not here: {'mpirun' if torchrun else 'torchrun'}")
    print("; ".join(shown))


if __name__ == "__main__":
    main()
