#!/usr/bin/env python3
"""Every stage and evaluator on a device that is not the CPU. There is no GPU here, so a library that is preloaded pretends to
be one: it refuses operators on tensors of two devices, and computes with the CPU's kernels, so the numbers are those of the
CPU to rounding. Then what `device` says where there is no GPU, or no such device."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import tiny

try:
    import device_checks
except ImportError:
    print("SKIPPED: Python has no h5py; install python3-h5py")
    sys.exit(77)

PRETEND = pathlib.Path(os.environ["TEMPER_BUILD_DIR"]) / "fixtures" / "pretend_device" / "pretend_device.so"
ENVIRONMENT = {**os.environ, "LD_PRELOAD": str(PRETEND)}


def pretending(*args):
    done = subprocess.run([tiny.TEMPER, *map(str, args)], text=True, capture_output=True, timeout=600, env=ENVIRONMENT)
    if done.returncode != 0:
        raise SystemExit(f"temper {' '.join(map(str, args))} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done


def check_words(folder, experiment):
    """Devices that are not there, and words that are no device: one sentence, exit code 2, nothing written."""
    cases = {"gpu": "use cpu, cuda or cuda:N", "hpu": "this LibTorch has no library for it", "cuda:99": "device = cuda"}
    if shutil.which("nvidia-smi") is None:
        cases["cuda"] = "set device: cpu"
    for device, words in cases.items():
        done = tiny.temper("run", experiment, "--device", device, "--out", folder / "none", check=False)
        assert done.returncode == 2 and words in done.stderr, (device, done.returncode, done.stderr)
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
        assert not (folder / "none").exists()


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for model in ("llama", "t5"):
            device_checks.check_model(folder, model, "hpu", pretending)
        experiment, record = device_checks.check_model(folder, "gpt", "hpu", pretending)
        device_checks.check_commands(record, "hpu", pretending)
        device_checks.check_answers_apart(folder, record, "hpu", pretending)
        device_checks.check_resume(folder, experiment, record, "hpu", pretending, ENVIRONMENT)
        check_words(folder, experiment)
    print("three architectures through ten stages on a second device, resumed to the bit; missing devices are named")


if __name__ == "__main__":
    main()
