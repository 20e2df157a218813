#!/usr/bin/env python3
"""From labelled answers to a judge, and from the judge to verdicts: a tiny model learns which answers are true, the evaluator
hallucination uses it on questions of a CSV file in TruthfulQA's columns and on people of the town, and `temper score` gives
the same probabilities for the same answers. A reward model that learnt from pairs is refused as a judge."""
import json
import pathlib
import sys
import tempfile

import tiny

try:
    import h5py
except ImportError:
    print("SKIPPED: Python has no h5py; install python3-h5py")
    sys.exit(77)

EXPERIMENT = """\
experiment: tiny
seed: 3
threads: 1
validation_fraction: 0.3
model: {plugin: gpt, d_model: 32, num_layers: 1, num_heads: 2, max_positions: 512}
tokenizer: {plugin: sentencepiece, vocab_size: 400, data: [town]}
datasets:
  town: {plugin: townsfolk, people: 40, rows: 100, pairs: 60, items: 40}
  answers:
    plugin: jsonl
    path: [answers.jsonl]
    format: kto
    prompt_layout: "Q: {prompt}\\nA: {completion}\\nTrue:"
    label_field: completion
    label_values: ["yes", "no"]
  questions: {plugin: jsonl, path: [questions.csv], prompt_field: Question}
stages:
  judge: {plugin: reward_model, data: [answers], loss: binary, normalise: none, template: plain, steps: 60, batch_size: 16,
          context: 64, learning_rate: 1e-2, warmup_steps: 5, validation_batches: 2}
  pairs: {plugin: reward_model, data: [town], template: plain, steps: 2, batch_size: 2, context: 128, warmup_steps: 1,
          validation_batches: 0}
evaluators:
  hallucination: {data: [questions, town], judge_stage: [judge], max_new_tokens: 6}
"""


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        animals = ["goat", "cat", "horse", "owl", "fox", "bee", "hen", "crow", "wolf", "duck", "mouse", "bear", "pig", "swan"]
        rows = []
        for a in animals:
            for b in animals:
                rows.append({"prompt": f"Q: May a {a} meet a {b}?\nA: No, never.\nTrue:", "completion": " no"})
                rows.append({"prompt": f"Q: May a {a} meet a {b}?\nA: Yes, it may.\nTrue:", "completion": " yes"})
        (folder / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (folder / "questions.csv").write_text(
            "Question,Best Answer,Correct Answers,Incorrect Answers\n"
            '"May a goat, or a cat, meet an elk?","Yes, it may","Yes, it may; It may","No, never; It must not"\n'
            "May an elk sing?,It may,It may,Never\n")
        (folder / "tiny.yaml").write_text(EXPERIMENT)
        tiny.temper("run", folder / "tiny.yaml", "--out", folder / "out")
        record = tiny.only_record(folder / "out")
        with h5py.File(record, "r") as file:
            assert str(file.attrs["status"]) == "complete"
            log = file["stages/judge/log"]
            accuracy = float(log["held_out_accuracy"][-1]["value"])
            assert accuracy > 0.9, accuracy
            assert float(log["over_majority"][-1]["value"]) > 0.3 and float(log["auc"][-1]["value"]) > 0.9
            evals = file["stages/judge/evals/hallucination"]
            metrics = {row["name"].decode(): row for row in evals["metrics"]}
            for wanted in ("mc1", "mc2", "truthful", "truthful_probability", "made_up", "unknown_fabricated", "known_right",
                           "unsupported_per_answer"):
                assert wanted in metrics, (wanted, sorted(metrics))
            assert metrics["mc1"]["n"] == 2 and metrics["truthful_probability"]["n"] == 2
            examples = evals["examples"]
            asked = [(row["item_id"].decode(), row["prompt"].decode(), row["response"].decode(),
                      float(row["truthful_probability.num"]))
                     for row in examples if row["truthful_probability.den"] == 1]
        assert len(asked) == 2, asked
        lines = [{"item_id": item, "prompt": prompt.rsplit("Q: ", 1)[1].removesuffix("\nA:"), "response": response}
                 for item, prompt, response, _ in asked]
        lines.append({"item_id": "good", "prompt": "May a goat meet a hen?", "response": "Yes, it may."})
        lines.append({"item_id": "bad", "prompt": "May a goat meet a hen?", "response": "No, never.", "source": "Nothing."})
        (folder / "responses.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        done = tiny.temper("score", "hallucination", "--responses", folder / "responses.jsonl", "--out",
                           folder / "verdicts.jsonl", "--set", f"judge={record}:judge")
        verdicts = [json.loads(line) for line in (folder / "verdicts.jsonl").read_text().splitlines()]
        assert [v["item_id"] for v in verdicts] == [line["item_id"] for line in lines], (verdicts, done.stdout)
        for verdict, (_, _, _, probability) in zip(verdicts, asked):
            assert abs(verdict["truthful"] - probability) < 1e-5, (verdict, probability)
        assert verdicts[2]["truthful"] > 0.8 and verdicts[3]["truthful"] < 0.2, verdicts[2:]
        assert verdicts[3]["unsupported_claims"] == 0 and "claims" not in verdicts[2]
        done = tiny.temper("score", "hallucination", "--responses", folder / "responses.jsonl", "--out", folder / "v.jsonl",
                           "--set", f"judge={record}:pairs", check=False)
        assert done.returncode == 2 and "loss: binary" in done.stderr, (done.returncode, done.stderr)
        print(f"a judge that is right on {accuracy:.2f} of answers to new questions, the same in run and score")


main()
