"""How far trained classifiers of refusal and toxicity reach on published labels; the numbers stand in the README of safety.

    python3 tests/reference/safety/reach.py build/release/temper ../shared/data /tmp/reach

Makes the training files from the data folder, runs `temper classifier train`, `test` and `apply` on them, and prints what
comes out. Needs nothing beside Python itself. The training files show how to make such data from one's own sources.
"""
import collections
import csv
import gzip
import html
import json
import pathlib
import random
import re
import subprocess
import sys

temper, data, out = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
out.mkdir(parents=True, exist_ok=True)


def run(*args):
    return subprocess.run([temper, "classifier", *map(str, args)], check=True, capture_output=True, text=True).stdout


def table(name):
    return list(csv.DictReader(open(data / name, encoding="utf-8", newline="")))


def lines(name):
    opened = gzip.open if name.endswith(".gz") else open
    return list(opened(data / name, "rt", encoding="utf-8"))


def write(name, rows):
    with open(out / name, "w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return out / name


def spearman(a, b):
    def ranks(values):
        order = sorted(range(len(values)), key=values.__getitem__)
        rank, begin = [0.0] * len(values), 0
        while begin < len(order):
            end = begin
            while end < len(order) and values[order[end]] == values[order[begin]]:
                end += 1
            for i in range(begin, end):
                rank[order[i]] = (begin + end - 1) / 2
            begin = end
        return rank
    x, y = ranks(a), ranks(b)
    mean = (len(a) - 1) / 2
    xy, xx, yy = (sum((p - mean) * (q - mean) for p, q in zip(u, v)) for u, v in ((x, y), (x, x), (y, y)))
    return xy / (xx * yy) ** 0.5


# Refusal: XSTest's 900 answers with people's labels; all answers to a prompt are held out together.
answers = []
for model in ("llama2orig", "mistralinstruct"):
    for row, judged in zip(table(f"eval/xstest_{model}_streval.csv"), table(f"eval/xstest_{model}_gpteval.csv")):
        answers.append({"text": row["completion"], "label": row["final_label"][2:], "prompt": row["prompt"],
                        "string": row["strmatch_label"][2:], "judge": judged["gpt4_label"][2:]})
path = write("refusal.jsonl", answers)
for title, keep in (("three classes", {}), ("two classes", {"partial_refusal": "full_refusal"})):
    maps = [f"--map={label}={keep.get(label, label)}" for label in ("full_compliance", "partial_refusal", "full_refusal")]
    result = json.loads(run("train", "--data", path, "--group", "prompt", "--folds", 10, "--leading", 25, "--char-max", 0, *maps,
                            "-o", out / f"refusal_{title.split()[0]}.classifier", "--format", "json"))
    report = result["cross_validation"]
    share = lambda column: sum(keep.get(a[column], a[column]) == keep.get(a["label"], a["label"]) for a in answers) / len(answers)
    print(f"refusal, {title}: classifier {report['accuracy']['value']:.4f} "
          f"[{report['accuracy']['ci_low']:.4f}, {report['accuracy']['ci_high']:.4f}], string match {share('string'):.4f}, "
          f"judge model {share('judge'):.4f}, majority {report['majority_accuracy']:.4f}")

# Toxicity: InstructGPT's continuations with Perspective's scores, which nothing is trained on.
samples = table("eval/instructgpt_toxicity.csv")
openings = {row["context"] for row in samples}
sample_path = write("samples.jsonl", [{"text": row["sample"]} for row in samples])
draw = random.Random(1)


def sentences(text):
    return [s for s in re.split(r"(?<=[.!?])\s+|\n+", text) if len(s.split()) >= 5]


def snippets(texts, count):
    """Runs of 3 to 22 words, half of them from a sentence's start: as long as continuations are."""
    pool = [s.split() for text in texts for s in sentences(text)]
    for words in draw.sample(pool, min(count, len(pool))):
        length = draw.randint(3, 22)
        begin = draw.randint(0, max(0, len(words) - length)) if draw.random() < 0.5 else 0
        yield {"text": " ".join(words[begin:begin + length]), "label": "clean"}


def tweet(text):
    return re.sub(r"https?://\S+|@\w+|\bRT\b", "", html.unescape(text))


parts = {
    "comments": [{"text": r["text"], "label": "toxic" if r["is_toxic"] == "Toxic" else "clean"}
                 for r in table("cleaning/toxicity_en.csv")],
    "openings": [{"text": r["prompt"], "label": "toxic"} for r in map(json.loads, lines("eval/realtoxicity_prompts.jsonl"))
                 if r["prompt"] not in openings],
    "ordinary": [*snippets((json.loads(x)["text"] for x in lines("corpus/c4_sample.jsonl")), 4000),
                 *snippets(lines("corpus/wikitext2_valid.txt"), 3000),
                 *snippets((json.loads(x)["text"][:60000] for x in lines("corpus/english_novels.jsonl.gz")), 3000),
                 *snippets((r["output"] for r in json.load(open(data / "instructions/alpaca_en_demo.json"))), 3000)],
    "tweets": [{"text": tweet(r["tweet"]), "label": "clean" if r["class"] == "2" else "toxic"}
               for r in table("cleaning/hate_offensive.csv")],
    "hatecheck": [{"text": r["test_case"], "label": "toxic" if r["label_gold"] == "hateful" else "clean"}
                  for r in table("cleaning/hatecheck.csv")],
}
mixtures = sys.argv[4:] or ["comments+openings+ordinary", "comments+ordinary", "comments", "tweets", "hatecheck",
                            "comments+tweets+hatecheck", "comments+openings+ordinary+hatecheck",
                            "comments+openings+ordinary+tweets"]
for mixture in mixtures:
    path = write("toxicity.jsonl", [row for part in mixture.split("+") for row in parts[part]])
    classifier = out / f"toxicity_{mixture}.classifier"
    run("train", "--data", path, "--balanced", "-o", classifier, "--format", "json")
    rows = run("apply", classifier, "--data", sample_path, "--highest", "toxic").splitlines()
    ours, theirs = [json.loads(row)["toxic"] for row in rows], [float(row["toxicity"]) for row in samples]
    cells = collections.defaultdict(list)
    for row, our, their in zip(samples, ours, theirs):
        cells[row["model_type"], row["prompt_type"]].append((our, their))
    means = {key: [sum(column) / len(column) for column in zip(*values)] for key, values in cells.items()}
    family = lambda name, k: (lambda v: sum(v) / len(v))(
        [m[k] for (model, prompt), m in means.items() if model.startswith(name) and prompt == "respectful prompt"])
    print(f"toxicity, {mixture}: single samples {spearman(ours, theirs):.3f}, table means "
          f"{spearman([m[0] for m in means.values()], [m[1] for m in means.values()]):.3f}; respectful prompt gpt "
          f"{family('gpt', 0):.3f} sft {family('sft', 0):.3f} ppo {family('ppo', 0):.3f} (Perspective {family('gpt', 1):.3f} "
          f"{family('sft', 1):.3f} {family('ppo', 1):.3f})", flush=True)
