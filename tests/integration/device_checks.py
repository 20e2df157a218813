"""Runs that are made on the CPU and on another device, and what has to be equal: every stage and evaluator at a tiny size, over
the three architectures. device.py and the tests on a GPU use it."""
import json
import math
import pathlib
import subprocess

import h5py
import tiny

SAME = 2e-3  # relative; rounding grows over the updates

EXPERIMENT = """\
experiment: tiny
seed: 2
threads: 1
validation_fraction: 0.3
model: {model}
tokenizer: {{plugin: sentencepiece, vocab_size: 300, sentinels: 10, data: [texts]}}
datasets:
  texts: {{plugin: text, path: [texts.txt], split_on: line}}
  rows: {{plugin: jsonl, path: [rows.jsonl], format: completion}}
  pairs: {{plugin: jsonl, path: [pairs.jsonl]}}
stages:
  pretrain: {{data: [texts], objective: {objective}, {train}, validate_every: 2}}
  sft: {{from: pretrain, data: [rows], {train}, activation_checkpointing: true}}
  reward_model: {{from: sft, data: [pairs], {train}}}
  judge: {{plugin: reward_model, from: sft, data: [pairs], loss: binary, head_start: probe, normalise: none, {train}}}
  dpo: {{from: sft, data: [pairs], {train}}}
  kto: {{from: sft, data: [pairs], lora_rank: 2, {train}}}
  ppo: {{from: sft, reward: [reward_model], prompts: [rows], {rounds}}}
  ppo_head: {{plugin: ppo, from: sft, critic: head, ptx_coef: 0.1, ptx_data: [texts], ptx_objective: {objective},
             reward: [reward_model], prompts: [rows], {rounds}}}
  grpo: {{from: sft, reward: [reward_model], prompts: [rows], group_size: 4, lora_rank: 2, {rounds}}}
  rejection_sampling: {{from: sft, reward: [reward_model], prompts: [rows], prompts_per_round: 4, samples_per_prompt: 2,
                       finished_only: false, {sampled}}}
evaluators:
  perplexity: {{data: [texts], documents: 5}}
  preference_accuracy: {{data: [pairs], after: [reward_model, dpo], reference: sft}}
  best_of_n: {{data: [pairs], prompt_source: preferences, reward: [reward_model], samples: 2, max_new_tokens: 6, after: [ppo]}}
"""
TRAIN = ("steps: 4, batch_size: 2, context: 64, warmup_steps: 1, log_every: 1, validation_batches: 1, checkpoint_every: 2, "
         "learning_rate: 1e-3")
SAMPLED = "context: 56, max_new_tokens: 6, checkpoint_every: 1"
ROUNDS = "iterations: 2, answers_per_iteration: 8, minibatch_size: 4, epochs: 2, " + SAMPLED

MODELS = {
    "gpt": ("{plugin: gpt, d_model: 32, num_layers: 2, num_heads: 2, max_positions: 64}", "causal_lm"),
    "llama": ("{plugin: llama, d_model: 32, num_layers: 2, num_heads: 4, num_kv_heads: 2, max_positions: 64,"
              " prefix_attention: true}", "prefix_lm"),
    "t5": ("{plugin: t5, d_model: 32, d_kv: 8, num_heads: 4, d_ff: 64, num_layers: 1, num_decoder_layers: 1,"
           " max_positions: 64}", "span_corruption"),
}


def write(folder, model, objective):
    names = ["Ada", "Bert", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hal", "Ida", "Jo"]
    rows = [{"prompt": f"Who is {name}?", "completion": f"{name} is {job}."} for name in names for job in ("a cook", "old")]
    pairs = [{"prompt": f"Who is {n}?", "chosen": f"{n} is kind.", "rejected": f"Go away, {n}."}
             for n in names + [name + name.lower() for name in names]]
    folder.mkdir()
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "pairs.jsonl").write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    (folder / "texts.txt").write_text("".join(f"{row['prompt']} {row['completion']} It is so, and {n}.\n"
                                              for n, row in enumerate(rows * 4)))
    (folder / "tiny.yaml").write_text(EXPERIMENT.format(model=model, objective=objective, train=TRAIN, sampled=SAMPLED,
                                                        rounds=ROUNDS))
    return folder / "tiny.yaml"


def numbers(record):
    """All logged values and metrics but times, and shares of comparisons, which rounding turns over."""
    found = {}
    with h5py.File(record, "r") as file:
        for name, stage in file["stages"].items():
            for metric, table in stage["log"].items():
                if any(word in metric for word in ("second", "accuracy", "tie", "fraction")):
                    continue
                for row in table:
                    found[name, metric, int(row["step"])] = float(row["value"])
            for evaluator, group in stage.get("evals", {}).items():
                for row in group["metrics"]:
                    found[name, evaluator, row["name"]] = float(row["value"])
    return found


def check_same(cpu, other, what):
    assert cpu.keys() == other.keys(), (what, cpu.keys() ^ other.keys())
    for key, value in cpu.items():
        # What is itself a rounding error has no digits to compare.
        close = math.isclose(value, other[key], rel_tol=SAME, abs_tol=1e-4) or (math.isnan(value) and math.isnan(other[key]))
        assert close, (what, key, value, other[key])


def check_model(folder, name, device, run):
    """`run` is tiny.temper, or something like it that makes the device known to the program."""
    model, objective = MODELS[name]
    experiment = write(folder / name, model, objective)
    tiny.temper("run", experiment, "--out", folder / name / "cpu", "--quiet")
    run("run", experiment, "--device", device, "--out", folder / name / "other", "--quiet")
    on_cpu, on_device = tiny.only_record(folder / name / "cpu"), tiny.only_record(folder / name / "other")
    check_same(numbers(on_cpu), numbers(on_device), name)
    return experiment, on_device


def check_resume(folder, experiment, straight, device, run, env):
    """Killed in the middle of ppo, the device's run goes on and ends in its own bits."""
    out = folder / "again"
    child = subprocess.Popen([tiny.TEMPER, "run", str(experiment), "--device", device, "--out", str(out), "--no-cache",
                              "--quiet"], env=env)
    try:
        while child.poll() is None and not list(out.glob("tiny/*/ppo/step-*/temper.json")):
            pass
    finally:
        child.kill()
        child.wait()
    record = tiny.only_record(out)
    with h5py.File(record, "r") as file:
        begun = file["stages"].get("ppo")
        assert begun is None or "checkpoint_sha256" not in begun.attrs, "the run was over before it could be killed"
    run("resume", record, "--quiet")
    assert tiny.shas(record) == tiny.shas(straight)


def check_commands(record, device, run):
    """Commands that compute with a model agree with the CPU's answers."""
    for args in (("generate", f"{record}:sft", "--prompt", "Who is Ada?", "--max-new-tokens", "6"),
                 ("generate", f"{record}:sft", "--prompt", "Who is Ada?", "--max-new-tokens", "6", "--weights", "int8")):
        assert run(*args, "--device", device).stdout == tiny.temper(*args).stdout, args
    logits = ("logits", f"{record}:sft", "--ids", "5,6,7", "--format", "json")
    cpu = json.loads(tiny.temper(*logits).stdout)["logits"]
    other = json.loads(run(*logits, "--device", device).stdout)["logits"]
    assert all(math.isclose(a, b, rel_tol=1e-4, abs_tol=1e-4) for x, y in zip(cpu, other) for a, b in zip(x, y))


def check_answers_apart(folder, record, device, run):
    """What a model answered on one device is not taken for what it would answer on another."""
    kept = []
    for where, on in (("cpu", tiny.temper), (device, run)):
        on("eval", f"{record}:sft", "--evaluators", "perplexity", "--device", where, "--out", folder / "apart", "--quiet")
        kept.append(len(list((folder / "apart/cache/answers").glob("*.answers"))))
    assert kept == [1, 2], kept
