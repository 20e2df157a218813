#!/usr/bin/env python3
"""How long a report and a comparison of many records take, and how large the page is.
Usage: bench_many_records.py BUILD_FOLDER [records] [items]   (after `ninja make_records`)
Reach on two cores: 1,000 records of 1,000 items each reported in 10 s and 20 MB, compared in 5 s."""
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

AXES = "stages.sft.learning_rate,stages.sft.steps"


def main():
    build = pathlib.Path(sys.argv[1])
    records, items = (sys.argv[2:] + ["1000", "1000"][len(sys.argv) - 2:])[:2]
    with tempfile.TemporaryDirectory() as name:
        folder, page = pathlib.Path(name) / "many", pathlib.Path(name) / "report.html"
        subprocess.run([build / "tests/bench/make_records", folder, records, items], check=True)
        for args in (("compare", folder, "--by", AXES), ("compare", folder, "--by", "run", "--metric", "accuracy"),
                     ("report", folder, "--by", AXES, "-o", page), ("report", folder, "-o", page, "--force"),
                     ("report", folder, "--by", "run", "-o", page, "--force")):
            start = time.time()
            subprocess.run([build / "temper", *args], check=True, stdout=subprocess.DEVNULL)
            seconds = time.time() - start
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
            size = f", page {page.stat().st_size / 1e6:.1f} MB" if args[0] == "report" else ""
            print(f"{args[0]} {' '.join(map(str, args[2:4]))}: {seconds:.1f} s, at most {peak:.0f} MB so far{size}", flush=True)


main()
