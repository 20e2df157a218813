#!/usr/bin/env python3
"""Whole runs on a GPU: every stage and evaluator over three architectures against the CPU, twice the same bits, killed and
resumed to the same bits, commands on a model, and as many ranks as there are GPUs over NCCL."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import tiny  # noqa: E402

try:
    import device_checks
except ImportError:
    print("SKIPPED: Python has no h5py; install python3-h5py")
    sys.exit(77)


def gpus():
    if shutil.which("nvidia-smi") is None:
        return []
    listed = subprocess.run(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"], text=True, capture_output=True)
    return listed.stdout.split("\n")[:-1] if listed.returncode == 0 else []


def check_ranks(folder, experiment, count):
    tiny.temper("run", experiment, "--device", "cuda", "--nproc", count, "--out", folder / "ranks", "--quiet")
    record = tiny.only_record(folder / "ranks")
    device_checks.check_same(device_checks.numbers(tiny.only_record(folder / "gpt" / "other")),
                             device_checks.numbers(record), f"{count} GPUs")


def main():
    cards = gpus()
    if not cards:
        print("SKIPPED: there is no NVIDIA GPU here (nvidia-smi lists none)")
        return 77
    print("on", ", ".join(cards))
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for model in ("llama", "t5"):
            device_checks.check_model(folder, model, "cuda", tiny.temper)
        experiment, record = device_checks.check_model(folder, "gpt", "cuda", tiny.temper)
        tiny.temper("run", experiment, "--device", "cuda", "--no-cache", "--out", folder / "twice", "--quiet")
        assert tiny.shas(tiny.only_record(folder / "twice")) == tiny.shas(record)
        device_checks.check_commands(record, "cuda", tiny.temper)
        device_checks.check_answers_apart(folder, record, "cuda", tiny.temper)
        device_checks.check_resume(folder, experiment, record, "cuda", tiny.temper, dict(os.environ))
        if len(cards) > 1:
            check_ranks(folder, experiment, 2)
        else:
            print("not tried: two ranks over NCCL, which need two GPUs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
