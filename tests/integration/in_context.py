"""The evaluator in_context on a real model: log-likelihoods of options are lm-evaluation-harness 0.4.13's on the same items
(tests/reference/in_context has the numbers and the script that made them). Skipped without the model or the data."""
import json
import os
import pathlib
import sys
import tempfile

from tiny import temper

SOURCE = pathlib.Path(os.environ.get("TEMPER_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
DATA = SOURCE.parent / "shared/data"
REFERENCE = json.loads((pathlib.Path(__file__).resolve().parents[1] / "reference/in_context/lm_eval_reference.json").read_text())
models = sorted((SOURCE / ".deps/models").glob("SmolLM2-135M-Instruct*.gguf"))
try:
    import h5py
except ImportError:
    print("SKIPPED: python3-h5py is not there")
    sys.exit(77)
if not models:
    print(f"SKIPPED: no SmolLM2-135M-Instruct*.gguf in {SOURCE / '.deps/models'}; scripts/setup.sh fetches it")
    sys.exit(77)
if not (DATA / "eval/TruthfulQA.csv").exists():
    print(f"SKIPPED: no {DATA / 'eval/TruthfulQA.csv'}")
    sys.exit(77)


def expect(good, what):
    if not good:
        raise SystemExit(f"FAILED: {what}")


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    temper("import", models[0], "smol", "--quiet", cwd=folder)
    tasks = "[" + ",".join(sorted({entry["task"] for entry in REFERENCE.values()})) + "]"
    key = "evaluators.in_context."
    sets = [part for one in (f"{key}tasks={tasks}", f"{key}limit=20", f"{key}log_likelihoods=true", f"{key}data_root={DATA}")
            for part in ("--set", one)]
    temper("eval", "smol", "--evaluators", "in_context", *sets, "--no-cache", "--quiet", cwd=folder, timeout=1200)
    with h5py.File(next(folder.glob("results/**/*.h5"))) as file:
        table = next(iter(file["stages"].values()))["evals/in_context/examples"][()]
    rows = {}
    for row in table:
        rows.setdefault(row["item_id"].decode().split("/")[0], []).append(row)
    compared = 0
    for entry in REFERENCE.values():
        for row, expected in zip(rows[entry["task"]], entry["log_likelihoods"], strict=True):
            got = [float(row[f"{entry['task']}_log_likelihood_{i}"]) for i in range(len(expected))]
            worst = max(abs(a - b) for a, b in zip(got, expected))
            expect(worst < 1e-3, f"{row['item_id'].decode()}: log-likelihoods {got}, expected {expected}")
            compared += len(expected)
    expect(compared > 300, f"only {compared} options were compared")
    wrong = temper("eval", "smol", "--evaluators", "in_context", "--set", f"{key}tasks=truthfulq", cwd=folder, check=False)
    expect(wrong.returncode == 2 and "did you mean 'truthfulqa'" in wrong.stderr, wrong.stderr)
    lost = temper("eval", "smol", "--evaluators", "in_context", "--set", f"{key}tasks=truthfulqa", "--set", f"{key}data_root=no",
                  cwd=folder, check=False)
    expect(lost.returncode == 3 and "TruthfulQA.csv" in lost.stderr, lost.stderr)
print(f"{compared} log-likelihoods are lm-evaluation-harness's")
