#!/usr/bin/env python3
"""scripts/quickstart.sh does what the README says: it trains both stages, ends with the table and the paths, and the tuned
stage follows instructions better than the pretrained one by a margin whose 95% interval excludes zero. Half the steps of the
full experiment: a much shorter one could not show that."""
import json
import os
import pathlib
import re
import subprocess
import tempfile

import tiny

HALF = [flag for stage in ("pretrain", "sft") for flag in ("--set", f"stages.{stage}.steps=250")]
ROOT = pathlib.Path(__file__).resolve().parents[2]


def main():
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([ROOT / "scripts/quickstart.sh", "--out", folder, *HALF], text=True, capture_output=True)
        assert done.returncode == 0, f"quickstart.sh ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "prompt_strict" in done.stdout and "checkpoints:" in done.stdout and "temper generate" in done.stdout, done.stdout
        record = pathlib.Path(re.search(r"^record: *(.*)$", done.stdout, re.M).group(1))
        compared = json.loads(tiny.temper("compare", record, "--format", "json").stdout)
        rise = next(row["difference"] for row in compared["rows"] if row["metric"] == "prompt_strict" and row["column"] == "sft")
        assert rise["ci_low"] > 0, f"instruction following did not rise for sure: {rise}"
        said = tiny.temper("generate", f"{record}:sft", "--prompt", "Who is the baker?").stdout
        assert said.strip(), "the tuned model says nothing"
        print(f"prompt_strict rose by {rise['value']:.3f} [{rise['ci_low']:.3f}, {rise['ci_high']:.3f}]")


os.chdir(ROOT)
main()
