#!/usr/bin/env python3
"""How long the plan of a large sweep takes, and how much memory: `temper sweep --dry-run` of a grid of 10,000 cells.
Usage: bench_sweep_plan.py [path of temper] [cells on a side]. Reach: under 2 s and 200 MB on two cores."""
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import tiny


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else tiny.TEMPER
    side = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    with tempfile.TemporaryDirectory() as name:
        experiment = tiny.write_experiment(name)
        rates = ",".join(f"{1e-5 * (i + 1):.6g}" for i in range(side))
        steps = ",".join(str(i + 1) for i in range(side))
        for label, axes in (("1", []), (str(side * side), ["--vary", f"stages.sft.learning_rate={rates}", "--vary",
                                                           f"stages.pretrain.steps={steps}"])):
            start = time.time()
            done = subprocess.run([program, "sweep", str(experiment), *axes, "--dry-run", "--out", name], capture_output=True, text=True)
            seconds = time.time() - start
            assert done.returncode == 0, done.stderr
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000  # of the largest so far
            print(f"{label:>6} cells: {seconds:.2f} s, {peak:.0f} MB; {done.stdout.splitlines()[0]}")


main()
