#!/usr/bin/env python3
"""lm-evaluation-harness 0.4.13 and temper on the same model, items, prompts and threads: choices, log-likelihoods, speed.

    temper import SmolLM2-135M-Instruct.Q4_1.gguf smollm2 && temper export smollm2 hf
    python compare_lm_eval.py --hf hf --model smollm2 --data DATA --temper build/release/temper [--limit 100]

Needs lm-eval 0.4.13, transformers, PyTorch 2.11 and h5py; DATA holds eval/TruthfulQA.csv and so on. Both run in float32 on the
CPU, one after the other and task by task. Seconds are CPU seconds (with one thread those of a machine that does nothing
else) of a run less those of a run over one item, so that neither loading a model nor reading files counts.
--reference FILE also writes lm-eval's log-likelihoods of the first 20 items of each task, which
tests/integration/in_context.py compares temper with; tasks that it already has and that are not run stay.
"""
import argparse
import csv
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
# Their tasks, and ours with the same items in the same order.
TASKS = {
    "truthfulqa_mc1": (["truthfulqa_mc1"], "truthfulqa"),
    "truthfulqa_mc2": (["truthfulqa_mc2"], "truthfulqa"),
    "mmlu_5_shot": (["mmlu_0", "mmlu_1", "mmlu_2"], "mmlu"),
    "lambada": (["lambada"], "lambada"),
    "kobest_copa": (["kobest_copa"], "kobest_copa"),
    "kobest_hellaswag": (["kobest_hellaswag"], "kobest_hellaswag"),
}


def run_lm_eval(model, folder, names, limit):
    """Per item, in order: the log-likelihoods of its options. And the seconds."""
    import lm_eval
    from lm_eval.tasks import TaskManager

    manager = TaskManager(include_path=str(folder), include_defaults=False)
    items, seconds = [], 0
    for name in names:
        if len(items) == limit:
            break
        start = time.process_time()
        done = lm_eval.simple_evaluate(model=model, tasks=["temper_" + name], limit=limit - len(items), bootstrap_iters=0,
                                       task_manager=manager, log_samples=True, cache_requests=False)
        seconds += time.process_time() - start
        for sample in sorted(done["samples"]["temper_" + name], key=lambda sample: sample["doc_id"]):
            options = sample["filtered_resps"]
            items.append([float(option[0] if isinstance(option, (list, tuple)) else option) for option in options])
            if not isinstance(options[0], (list, tuple)):
                items[-1] = items[-1][:1]
    return items, seconds


def best_and_wrong(items, data):
    """Ours are all right options, then the wrong ones; MC1 is about the best right one and the wrong ones."""
    sys.path.insert(0, str(HERE / "lm_eval"))
    from utils import right_and_wrong

    with open(data / "eval/TruthfulQA.csv", newline="", encoding="utf-8") as file:
        sides = [right_and_wrong(row) for row in csv.DictReader(file)]
    return [[item[right.index(best)]] + item[len(right):] for item, (best, right, _) in zip(items, sides)]


def children_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_temper(options, name, limit):
    import h5py
    import numpy

    with tempfile.TemporaryDirectory() as out:
        start = children_seconds()
        key = "evaluators.in_context."
        sets = [key + "tasks=" + name, key + f"limit={limit}", key + "log_likelihoods=true",
                key + "data_root=" + str(options.data.resolve()), f"threads={options.threads}"]
        subprocess.run([options.temper, "eval", options.model, "--evaluators", "in_context", "--no-cache", "--quiet", "--out", out]
                       + [part for one in sets for part in ("--set", one)], check=True, stdout=subprocess.DEVNULL)
        seconds = children_seconds() - start
        record = next(pathlib.Path(out).rglob("*.h5"))
        with h5py.File(record) as file:
            stage = next(iter(file["stages"].values()))
            table = stage["evals/in_context/examples"][()]
    columns = [c for c in table.dtype.names if "_log_likelihood_" in c]
    columns.sort(key=lambda column: int(column.rsplit("_", 1)[1]))
    values = numpy.stack([table[column] for column in columns], 1)
    rows = [[float(v) for v in row if not numpy.isnan(v)] for row in values]
    return rows, seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hf", required=True, type=pathlib.Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True, type=pathlib.Path)
    parser.add_argument("--temper", required=True)
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--reference", type=pathlib.Path)
    options = parser.parse_args()
    os.environ["HF_DATASETS_OFFLINE"] = os.environ["HF_HUB_OFFLINE"] = "1"
    import torch
    from lm_eval.models.huggingface import HFLM

    torch.set_num_threads(options.threads)
    model = HFLM(pretrained=str(options.hf), device="cpu", dtype="float32", batch_size=options.batch)
    reference = {}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for file in (HERE / "lm_eval").glob("*.*"):
            (folder / file.name).write_text(file.read_text().replace("DATA_ROOT", str(options.data.resolve())))
        for task in options.tasks.split(","):
            theirs, ours = TASKS[task]
            _, base_theirs = run_lm_eval(model, folder, theirs, 1)
            _, base_ours = run_temper(options, ours, 1)
            expected, seconds_theirs = run_lm_eval(model, folder, theirs, options.limit)
            got, seconds_ours = run_temper(options, ours, len(expected))
            if task == "truthfulqa_mc1":
                got = best_and_wrong(got, options.data)
            same = worst = 0
            for a, b in zip(expected, got):
                if len(a) != len(b):
                    raise SystemExit(f"{task}: {len(a)} options there, {len(b)} here")
                worst = max(worst, max(abs(x - y) for x, y in zip(a, b)))
                same += a.index(max(a)) == b.index(max(b))
            count = len(expected)
            speed_theirs = (count - 1) / (seconds_theirs - base_theirs)
            speed_ours = (count - 1) / (seconds_ours - base_ours)
            print(json.dumps({"task": task, "items": count, "same_choice": same / count, "worst_difference": round(worst, 6),
                              "items_per_cpu_second": {"lm_eval": round(speed_theirs, 2), "temper": round(speed_ours, 2)},
                              "ratio": round(speed_ours / speed_theirs, 2)}), flush=True)
            reference[task] = {"task": ours, "log_likelihoods": [[round(v, 5) for v in item] for item in expected[:20]]}
    if options.reference:
        reference.pop("truthfulqa_mc1", None)
        before = json.loads(options.reference.read_text()) if options.reference.exists() else {}
        options.reference.write_text(json.dumps(before | reference) + "\n")


if __name__ == "__main__":
    main()
