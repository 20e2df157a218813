"""A run small enough for tests: writes an experiment and its corpus into a folder and runs the program on it."""
import os
import pathlib
import random
import subprocess

TEMPER = os.environ.get("TEMPER", str(pathlib.Path(__file__).resolve().parents[2] / "build/release/temper"))

EXPERIMENT = """\
experiment: tiny
seed: 3
threads: 1
model: {plugin: gpt, d_model: 32, num_layers: 2, num_heads: 2, max_positions: 256, dropout: 0.1}
tokenizer: {plugin: sentencepiece, vocab_size: 600, data: [words, townsfolk]}
datasets:
  words: {plugin: text, path: [corpus.txt], split_on: line}
  townsfolk: {people: 40, rows: 300, items: 40}
stages:
  pretrain: {data: [words, townsfolk], steps: 60, batch_size: 2, context: 256, warmup_steps: 5, learning_rate: 3e-3,
             log_every: 1, validate_every: 20, validation_batches: 2, checkpoint_every: 7}
  sft: {from: pretrain, data: [townsfolk], steps: 60, batch_size: 2, context: 256, warmup_steps: 5, learning_rate: 3e-3,
        log_every: 1, validate_every: 20, validation_batches: 2, checkpoint_every: 7}
evaluators:
  perplexity: {data: [words], documents: 20}
  instruction_following: {data: [townsfolk], max_new_tokens: 12}
"""


def write_experiment(folder):
    folder = pathlib.Path(folder)
    rng = random.Random(5)
    words = ["river", "stone", "light", "market", "sings", "walks", "under", "bright", "quiet", "garden", "carries", "the",
             "a", "old", "door", "winter", "bread", "reads", "letters", "slowly"]
    lines = [" ".join(rng.choice(words) for _ in range(rng.randint(6, 20))).capitalize() + "." for _ in range(1500)]
    (folder / "corpus.txt").write_text("\n".join(lines) + "\n")
    (folder / "tiny.yaml").write_text(EXPERIMENT)
    return folder / "tiny.yaml"


def temper(*args, cwd=None, check=True, timeout=300):
    done = subprocess.run([TEMPER, *map(str, args)], cwd=cwd, text=True, capture_output=True, timeout=timeout)
    if check and done.returncode != 0:
        raise SystemExit(f"temper {' '.join(map(str, args))} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done


def only_record(folder, experiment="tiny"):
    records = sorted(pathlib.Path(folder).glob(f"{experiment}/*.h5"))
    if len(records) != 1:
        raise SystemExit(f"expected one record in {folder}, found {records}")
    return records[0]


def sweep_folder(out):
    """The one sweep in a folder of results."""
    (folder,) = (path.parent for path in pathlib.Path(out).glob("*/sweep.json"))
    return folder


def shas(record):
    """SHA-256 of each stage's weights; all have to be finished."""
    import h5py

    with h5py.File(record, "r") as file:
        return {name: str(stage.attrs["checkpoint_sha256"]) for name, stage in file["stages"].items()}


def sweep_states(sweep):
    """Of a sweep over one axis: the status of each run, and the notes of its stage `last`, by the axis's value."""
    import h5py

    states, notes = {}, {}
    for record in pathlib.Path(sweep).glob("*.h5"):
        value = record.stem.split("=")[1].split("-")[0]
        with h5py.File(record, "r") as file:
            states[value] = str(file.attrs["status"])
            if "stages/last/notes" in file:
                notes[value] = [row["text"].decode() for row in file["stages/last/notes"]]
    return states, notes


def summary(record, times=("tokens_per_second",)):
    """Everything of a record that must not depend on how the run went; `times` are the metrics that do."""
    import h5py  # only the tests that look into records need it

    result = {}
    with h5py.File(record, "r") as file:
        for name, stage in file["stages"].items():
            result[name, "sha"] = str(stage.attrs["checkpoint_sha256"])
            result[name, "tokens"] = int(stage.attrs["tokens"])
            for metric, table in stage.get("log", {}).items():
                if metric not in times:
                    result[name, metric] = [(int(row["step"]), float(row["value"])) for row in table]
            for evaluator, group in stage.get("evals", {}).items():
                result[name, evaluator] = [tuple(map(str, row)) for row in group["metrics"]]
                result[name, evaluator, "items"] = [tuple(map(str, row)) for row in group["examples"]]
        result["status"] = str(file.attrs["status"])
        result["ranks"] = str(file.attrs["host_ranks"])
    return result
