"""One PPO iteration of temper's stage `ppo` against TRL's PPOTrainer: the same GPT-2 shape, batch, lengths and threads, in turn.

Usage: python bench_ppo.py [--rounds N] [--iterations N] [--threads N] [--side both|temper|trl] [--temper PROGRAM]
Python environment: pip install torch==2.11.0 transformers==5.24.0 trl==1.12.0 datasets==5.2.0 h5py==3.16.0
  (trl 1.12.0 is the last release with a PPO trainer, in trl.experimental.ppo. A CPU build of torch is enough.)
The program must be built with gpt, sentencepiece, jsonl, causal_lm, pretrain, reward_model and ppo. Run it on a quiet machine:
two threads that wait for each other lose far more than one does when others compute (with --threads 1 the ratio still holds).

The work of both: float32, 2 threads, random weights, no dropout, 5.3M parameters (d_model 256, 6 layers, 4 heads, 2000 tokens,
tied head). 64 prompts of one length, so that nobody pads; 64 new tokens each at temperature 1, scored by a reward model of its
own; log-probabilities under a frozen reference; values of a critic of its own; then 4 epochs of minibatches of 16, policy and
critic together, an AdamW step for each: 16 steps. Rollout is sampling and scoring, update is all else. The first iteration of
every run is left out.

Differences, with the side that each costs time:
- temper reads the answers once more for the old log-probabilities; TRL keeps what its sampler knew (temper).
- temper computes and clips the gradient's norm; TRL's PPO trainer does not clip (temper).
- TRL makes logits of prompts as well, temper of answers only (TRL). Both compute the entropy in every minibatch.
- temper ends an answer at the end token, which random weights draw once in 2000 tokens; TRL is given no stop token and samples
  all 64 (TRL, about 2%). The mean lengths are printed.
- TRL's clock runs from the start of sampling to the end of the update: loading prompts and its garbage collection between
  iterations are not counted (temper).
TRL is set for speed at this size: no gradient checkpointing and no bfloat16 (both on by default), all 64 rows at once in
sampling and scoring, all 16 rows of a minibatch at once. Peak memory is that of the process, libraries included.
"""
import argparse
import json
import os
import pathlib
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

ROOT = pathlib.Path(__file__).resolve().parents[2]
VOCAB, WIDTH, LAYERS, HEADS, POSITIONS = 2000, 256, 6, 4, 256
PROMPTS, NEW_TOKENS, EPOCHS, MINIBATCH = 64, 64, 4, 16
# A prompt is the begin token, one token a word, and the line break of the template `plain`.
PROMPT_WORDS = 32
PROMPT_TOKENS = PROMPT_WORDS + 2
MIB = 1 << 20

EXPERIMENT = f"""\
experiment: bench_ppo
seed: 1
threads: THREADS
model: {{plugin: gpt, d_model: {WIDTH}, num_layers: {LAYERS}, num_heads: {HEADS}, max_positions: {POSITIONS}, dropout: 0}}
tokenizer: {{plugin: sentencepiece, vocab_size: {VOCAB}, data: [texts]}}
datasets:
  texts: {{plugin: jsonl, path: [texts.jsonl], format: documents}}
  tasks: {{plugin: jsonl, path: [tasks.jsonl], format: completion}}
  pairs: {{plugin: jsonl, path: [pairs.jsonl], format: preferences}}
stages:
  pretrain: {{data: [texts], steps: 1, batch_size: 1, context: 32, learning_rate: 1e-9, validation_batches: 0}}
  reward_model: {{from: pretrain, data: [pairs], template: plain, steps: 1, batch_size: 2, context: 128, learning_rate: 1e-9,
                 demonstration_rows: 2, validation_batches: 0}}
  ppo: {{from: pretrain, reward: [reward_model], prompts: [tasks], template: plain, iterations: 4,
        answers_per_iteration: {PROMPTS}, minibatch_size: {MINIBATCH}, epochs: {EPOCHS}, max_new_tokens: {NEW_TOKENS},
        context: {POSITIONS}, learning_rate: 3e-6, beta2: 0.999, kl_coef: 0.05, samples_every: 1000, samples: 1,
        checkpoint_every: 0}}
"""


def write_experiment(folder, threads):
    """Words that are one token each make prompts of one length; the first one is always the same."""
    rng = random.Random(7)
    parts = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er", "il", "os")]
    rare = sorted({"".join(rng.choice(parts) for _ in range(rng.randint(2, 4))) for _ in range(6000)})
    rng.shuffle(rare)
    common = rare[:40]

    def sentence(words, share):
        return " ".join(rng.choice(common) if rng.random() < share else rng.choice(rare) for _ in range(words))

    rows = {"texts": [{"text": f"{common[0]} {sentence(30, 0.5)}"} for _ in range(3000)],
            "tasks": [{"prompt": f"{common[0]} {sentence(PROMPT_WORDS - 1, 1)}", "completion": sentence(4, 1)}
                      for _ in range(4 * PROMPTS)],
            "pairs": [{"prompt": sentence(8, 1), "chosen": sentence(4, 1), "rejected": sentence(5, 1)} for _ in range(64)]}
    for name, lines in rows.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "bench_ppo.yaml").write_text(EXPERIMENT.replace("THREADS", str(threads)))
    return [row["prompt"] for row in rows["tasks"]]


def run_temper(program, iterations, threads):
    import h5py
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        prompts = write_experiment(folder, threads)
        rss, text = run_measured([program, "run", "bench_ppo.yaml", "--set", f"stages.ppo.iterations={iterations + 1}",
                                  "--out", "out", "--quiet"], folder, threads)
        records = list((folder / "out").glob("bench_ppo/*.h5"))
        if len(records) != 1:
            sys.exit(f"temper left {len(records)} records instead of one:\n{text}")
        found = subprocess.run([program, "tokenize", f"{records[0]}:pretrain", " ".join(prompts), "--format", "json"],
                               check=True, capture_output=True, text=True)
        tokens, words = len(json.loads(found.stdout)["ids"]), PROMPT_WORDS * len(prompts)
        if tokens != words:
            sys.exit(f"the {words} words of the prompts are {tokens} tokens: the prompts are not of one length")
        with h5py.File(records[0], "r") as record:
            stage = record["stages/ppo"]
            log = {metric: [float(row["value"]) for row in stage["log"][metric][()]][1:]
                   for metric in ("rollout_seconds", "update_seconds", "length")}
        return {"side": "temper", "rollout": log["rollout_seconds"], "update": log["update_seconds"],
                "length": statistics.mean(log["length"]), "peak_mib": rss}


def run_measured(command, folder, threads):
    """Peak resident MiB of the child, and its output; ends the benchmark if the child fails."""
    out = folder / "output.txt"
    with out.open("w") as sink:
        child = subprocess.Popen([str(c) for c in command], cwd=folder, stdout=sink, stderr=subprocess.STDOUT,
                                 env={**os.environ, "OMP_NUM_THREADS": str(threads)})
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    text = out.read_text()
    if child.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} ended with {child.returncode}:\n{text[-3000:]}")
    return usage.ru_maxrss / 1024, text


def import_trl():
    os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"
    try:
        from trl.experimental.ppo import ppo_trainer
    except ImportError as error:
        try:
            from trl.trainer import ppo_trainer
        except ImportError:
            sys.exit(f"no TRL with a PPO trainer in {sys.executable} ({error}); see the head of this file for the packages")
    return ppo_trainer


def trl_side(iterations, threads):
    """Runs in a process of its own and prints one JSON line."""
    warnings.filterwarnings("ignore")
    ppo = import_trl()
    import torch
    import transformers
    import trl
    from datasets import Dataset
    from tokenizers import Tokenizer, models
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    # The padding token lies outside the vocabulary: it is never sampled, and TRL never looks it up.
    words = {f"w{i}": i for i in range(VOCAB)} | {"<pad>": VOCAB}
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel(words, unk_token="w0")),
                                                     pad_token="<pad>", eos_token="w1")
    shape = transformers.GPT2Config(vocab_size=VOCAB, n_positions=POSITIONS, n_embd=WIDTH, n_layer=LAYERS, n_head=HEADS,
                                    resid_pdrop=0, embd_pdrop=0, attn_pdrop=0, bos_token_id=None, eos_token_id=None,
                                    num_labels=1)
    policy = transformers.GPT2LMHeadModel(shape)
    reference = transformers.GPT2LMHeadModel(shape)
    reference.load_state_dict(policy.state_dict())
    critic, reward = (transformers.GPT2ForSequenceClassification(shape) for _ in range(2))
    rng = random.Random(7)
    rows = [{"input_ids": [rng.randrange(2, VOCAB) for _ in range(PROMPT_TOKENS)]} for _ in range(4 * PROMPTS)]

    clock = {"start": 0.0, "sampled": 0.0, "rollout": [], "update": [], "lengths": []}
    inner_generation, inner_reward = ppo.batch_generation, ppo.get_reward

    def timed_generation(*args, **kwargs):
        clock["start"] = time.perf_counter()
        result = inner_generation(*args, **kwargs)
        clock["sampled"] = time.perf_counter() - clock["start"]
        clock["lengths"].append(result[0].shape[1] - PROMPT_TOKENS)
        return result

    def timed_reward(model, *args, **kwargs):
        start = time.perf_counter()
        result = inner_reward(model, *args, **kwargs)
        if model is reward:
            clock["sampled"] += time.perf_counter() - start
        return result

    ppo.batch_generation, ppo.get_reward = timed_generation, timed_reward

    class Watch(transformers.TrainerCallback):
        def on_step_end(self, *args, **kwargs):
            clock["rollout"].append(clock["sampled"])
            clock["update"].append(time.perf_counter() - clock["start"] - clock["sampled"])

    with tempfile.TemporaryDirectory() as output:
        settings = ppo.PPOConfig(
            output_dir=output, use_cpu=True, bf16=False, gradient_checkpointing=False, seed=1, report_to="none",
            save_strategy="no", disable_tqdm=True, logging_steps=10**6, num_sample_generations=0,
            # One micro-batch is one minibatch: TRL steps once per gradient_accumulation_steps micro-batches.
            per_device_train_batch_size=PROMPTS, gradient_accumulation_steps=1, num_mini_batches=PROMPTS // MINIBATCH,
            num_ppo_epochs=EPOCHS, total_episodes=PROMPTS * (iterations + 1), local_rollout_forward_batch_size=PROMPTS,
            response_length=NEW_TOKENS, temperature=1.0, kl_coef=0.05, learning_rate=3e-6)
        trainer = ppo.PPOTrainer(
            args=settings, processing_class=tokenizer, model=policy, ref_model=reference, reward_model=reward,
            value_model=critic, train_dataset=Dataset.from_list(rows), callbacks=[Watch()])
        steps = [0]
        inner_step = trainer.optimizer.step
        trainer.optimizer.step = lambda *a, **k: (steps.__setitem__(0, steps[0] + 1), inner_step(*a, **k))[1]
        trainer.train()
    print("RESULT " + json.dumps({
        "side": "trl", "rollout": clock["rollout"][1:], "update": clock["update"][1:],
        "length": statistics.mean(clock["lengths"][1:]), "parameters": sum(p.numel() for p in policy.parameters()),
        "critic_parameters": sum(p.numel() for p in critic.parameters()), "steps": steps[0] / (iterations + 1),
        "versions": f"trl {trl.__version__}, transformers {transformers.__version__}, torch {torch.__version__}"}))


def run_trl(iterations, threads):
    with tempfile.TemporaryDirectory() as folder:
        rss, text = run_measured([sys.executable, pathlib.Path(__file__).resolve(), "--side", "trl-child", "--iterations",
                                  iterations, "--threads", threads], pathlib.Path(folder), threads)
        found = re.search(r"^RESULT (.*)$", text, re.M)
        if found is None:
            sys.exit(f"TRL's side printed no result:\n{text[-3000:]}")
        return {**json.loads(found.group(1)), "peak_mib": rss}


def seconds(row):
    """Median iteration of one run: rollout, update, both."""
    whole = [a + b for a, b in zip(row["rollout"], row["update"])]
    return statistics.median(row["rollout"]), statistics.median(row["update"]), statistics.median(whole)


def report(rows):
    for side in ("temper", "trl"):
        mine = [row for row in rows if row["side"] == side]
        if not mine:
            continue
        rollout, update, whole = (statistics.median(column) for column in zip(*map(seconds, mine)))
        print(f"{side:6} rollout {rollout:6.2f} s, update {update:6.2f} s, iteration {whole:6.2f} s, "
              f"{PROMPTS / whole:6.2f} answers/s; mean length {statistics.mean(r['length'] for r in mine):.1f}; "
              f"peak memory {max(r['peak_mib'] for r in mine):,.0f} MiB")
    temper = [seconds(row)[2] for row in rows if row["side"] == "temper"]
    theirs = [seconds(row)[2] for row in rows if row["side"] == "trl"]
    pairs = [b / a for a, b in zip(temper, theirs)]
    if pairs:
        print(f"ratio of answers/s, temper to TRL: median {statistics.median(pairs):.2f} "
              f"(min {min(pairs):.2f}, max {max(pairs):.2f}, {len(pairs)} pairs)")
    trl_rows = [row for row in rows if row["side"] == "trl"]
    if trl_rows:
        one, critic = trl_rows[0]["parameters"] * 4 / MIB, trl_rows[0]["critic_parameters"] * 4 / MIB
        # Policy, reference, critic, reward model, and two moments of policy and critic.
        needed = 2 * one + 2 * critic + 2 * (one + critic)
        print(f"{trl_rows[0]['versions']}; {trl_rows[0]['parameters']:,} parameters, {trl_rows[0]['steps']:.0f} optimiser "
              f"steps an iteration; policy, reference, critic, reward model and optimiser are {needed:,.0f} MiB, "
              f"with 1 GiB {needed + 1024:,.0f} MiB")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="runs of each side, in turn")
    parser.add_argument("--iterations", type=int, default=3, help="timed iterations of a run, after one that is left out")
    parser.add_argument("--side", choices=["both", "temper", "trl", "trl-child"], default="both")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--temper", default=os.environ.get("TEMPER", ROOT / "build/release/temper"))
    parser.add_argument("--format", choices=["text", "json"], default="text")
    args = parser.parse_args()
    if args.side == "trl-child":
        return trl_side(args.iterations, args.threads)
    if args.side != "temper":
        import_trl()
    rows = []
    for _ in range(args.rounds):
        if args.side != "trl":
            rows.append(run_temper(args.temper, args.iterations, args.threads))
        if args.side != "temper":
            rows.append(run_trl(args.iterations, args.threads))
    if args.format == "json":
        for row in rows:
            print(json.dumps(row))
        return None
    return report(rows)


if __name__ == "__main__":
    main()
