"""temper data: cleaning, its ledger, bad input, going on after kill -9, and an experiment with and without a filter."""
import gzip
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TEMPER = os.environ["TEMPER"]


def temper(*args, expect=0, cwd=None):
    done = subprocess.run([TEMPER, *map(str, args)], capture_output=True, text=True, cwd=cwd)
    assert done.returncode == expect, f"{args}: exit {done.returncode}, not {expect}\n{done.stdout}\n{done.stderr}"
    return done


def rows(path):
    return [json.loads(line) for line in open(path, encoding="utf-8")]


def sentence(rng, words=12):
    return " ".join(rng.choice(WORDS) for _ in range(words)).capitalize() + "."


WORDS = "river ferry gate mill bread rope rain night stone fire road hill wind salt door song bell coat lamp horse".split()


def write_corpus(path, count, seed=1):
    rng = random.Random(seed)
    texts = []
    with open(path, "w", encoding="utf-8") as out:
        for i in range(count):
            text = " ".join(sentence(rng) for _ in range(6))
            if i % 10 == 9:
                text = texts[-5]  # an exact copy
            elif i % 10 == 4 and i > 10:
                text = texts[-3] + " One more word."  # a near copy
            texts.append(text)
            out.write(json.dumps({"id": f"doc-{i}", "text": text, "source_url": f"u/{i}"}) + "\n")
    return texts


def test_clean(folder):
    corpus = folder / "corpus.jsonl"
    texts = write_corpus(corpus, 200)
    out = folder / "out"
    done = temper("data", "dedup", corpus, "-o", out)
    assert "near_copy" in done.stdout and "copy" in done.stdout, done.stdout
    ledger = rows(out / "ledger.jsonl")
    assert [row["id"] for row in ledger] == [f"doc-{i}" for i in range(200)]
    kept = [row["id"] for row in ledger if row["verdict"] != "drop"]
    written = [row for shard in sorted(out.glob("part-*.jsonl")) for row in rows(shard)]
    assert [row["id"] for row in written] == kept
    assert written[0]["source_url"] == "u/0" and written[0]["text"] == texts[0]
    copies = [row for row in ledger if row["filters"].get("exact_dedup", {}).get("verdict") == "drop"]
    assert len(copies) == 20, len(copies)
    for row in copies:
        assert row["filters"]["exact_dedup"]["partner"] == f"doc-{int(row['id'][4:]) - 5}"
    near = [row for row in ledger if row["filters"].get("near_dedup", {}).get("verdict") == "drop"]
    assert len(near) >= 17 and all(row["filters"]["near_dedup"]["score"] >= 0.8 for row in near), len(near)

    stats = json.loads(temper("data", "stats", out, "--format", "json").stdout)
    assert stats["documents"] == 200 and stats["dropped"] == 200 - len(kept)
    assert stats["filters"][0]["name"] == "exact_dedup" and stats["filters"][0]["dropped"] == 20
    page = folder / "cleaning.html"
    temper("data", "stats", out, "--html", page)
    drawn = page.read_text()
    assert "<svg" in drawn and "near_copy" in drawn and str(out) in drawn, drawn[:2000]
    assert "is there already" in temper("data", "stats", out, "--html", page, expect=2).stderr
    temper("data", "stats", out, "--html", page, "--overwrite")
    story = temper("data", "stats", out, "--explain", copies[0]["id"]).stdout
    assert "drop" in story and copies[0]["filters"]["exact_dedup"]["partner"] in story, story
    assert "no document with the id" in temper("data", "stats", out, "--explain", "doc-x", expect=3).stderr

    # Nothing is replaced unasked; one file instead of a folder; what comes out is settled.
    assert "is there already" in temper("data", "dedup", corpus, "-o", out, expect=2).stderr
    single = folder / "single.jsonl.gz"
    temper("data", "dedup", corpus, "-o", single, "--ledger", folder / "l.jsonl", "--threads", 1)
    assert [json.loads(line)["id"] for line in gzip.open(single, "rt")] == kept
    assert open(folder / "l.jsonl").read() == open(out / "ledger.jsonl").read()
    again = temper("data", "dedup", single, "-o", folder / "again", "--format", "json").stdout
    assert json.loads(again)["dropped"] == 0
    assert not list(folder.glob("*.work"))


def test_decontaminate(folder):
    corpus = folder / "train.jsonl"
    write_corpus(corpus, 50)
    question = rows(corpus)[7]["text"]
    (folder / "eval.jsonl").write_text(json.dumps({"question": question[:200]}) + "\n")
    done = temper("data", "decontaminate", corpus, "-o", folder / "clean", "--against", folder / "eval.jsonl")
    dropped = [row["id"] for row in rows(folder / "clean/ledger.jsonl") if row["verdict"] == "drop"]
    assert "doc-7" in dropped and len(dropped) < 5, done.stdout
    assert "--against is missing" in temper("data", "decontaminate", corpus, "-o", folder / "x", expect=2).stderr


def test_bad_input(folder):
    bad = folder / "bad.jsonl"
    bad.write_bytes(b'{"id": "a", "text": "first text"}\n' b'{"id": "b", "text": "caf\xe9"}\n' b'{"id": "c", "text": ""}\n'
                    b'{"id": "d"}\n' b'{"id": "e", "text": "last text"}\nnot json\n')
    cut = folder / "cut.txt.gz"
    packed = gzip.compress(("\n".join(f"line {i} of a text" for i in range(20000)) + "\n").encode())
    cut.write_bytes(packed[: len(packed) // 2])
    long = folder / "long.txt"
    long.write_text("short\n" + "x" * (3 << 20) + "\nshort again\n")
    done = temper("data", "clean", bad, cut, long, "-o", folder / "o", "--filters", "exact_dedup", "--split-on", "line",
                  "--max-line-mb", 2, expect=3)
    for place in (f"{bad}:2", f"{bad}:4", f"{bad}:6", f"{cut}:", f"{long}:2"):
        assert place in done.stderr, (place, done.stderr)
    ledger = {row["id"]: row for row in rows(folder / "o/ledger.jsonl")}
    assert ledger["a"]["verdict"] == "keep" and ledger["e"]["verdict"] == "keep"
    assert ledger["c"]["verdict"] == "drop" and "blank" in ledger["c"]["filters"]
    assert ledger["c"]["source"].endswith("bad.jsonl:3")
    assert sum(row["source"].startswith(str(cut)) for row in ledger.values()) > 5000
    assert sum(row["source"].startswith(str(long)) for row in ledger.values()) == 2

    # Of a folder the texts and rows; a table has to be named, and other files are nobody's business.
    mixed = folder / "mixed"
    mixed.mkdir()
    (mixed / "a.txt").write_text("a text\n")
    (mixed / "b.jsonl").write_text('{"id": "b", "text": "a row"}\n')
    (mixed / "c.csv").write_text("id,text\nc,a table\n")
    (mixed / "d.txt.bak").write_text("a copy\n")
    temper("data", "clean", mixed, "-o", folder / "of_folder.jsonl", "--filters", "exact_dedup")
    assert [row["id"] for row in rows(folder / "of_folder.jsonl")] == ["a.txt", "b"]
    (mixed / "b.jsonl").unlink()
    temper("data", "clean", mixed, mixed / "c.csv", "-o", folder / "with_table.jsonl", "--filters", "exact_dedup")
    assert [row["id"] for row in rows(folder / "with_table.jsonl")] == ["a.txt", "c"]

    for args, code, words in [
        (["data", "clean", folder / "none.jsonl", "-o", folder / "n"], 3, "none.jsonl"),
        (["data", "clean", bad, "-o", folder / "n", "--filters", "near_dedupe"], 2, "near_dedup"),
        (["data", "clean", bad, "-o", folder / "n", "--filters", "near_dedup", "--set", "near_dedup.treshold=0.5"], 2, "threshold"),
        (["data", "clean", bad, "-o", folder / "n", "--filters", "near_dedup", "--set", "near_dedup.threshold=7"], 2, "0.05"),
        (["data", "clean", bad, "-o", folder / "n", "--filters", "exact_dedup", "--set", "near_dedup.ngram=3"], 2, "not among"),
        (["data", "clean", bad], 2, "-o is missing"),
        (["data", "cleen", bad], 2, "clean"),
        (["data", "stats", bad], 3, "no row of a ledger"),
    ]:
        done = temper(*args, expect=code)
        assert words in done.stderr and done.stderr.count("\n") == 1, (args, done.stderr)


def test_kill(folder):
    corpus = folder / "big.jsonl"
    rng = random.Random(5)
    with open(corpus, "w") as out:
        for i in range(12000):
            out.write(json.dumps({"id": i, "text": " ".join(sentence(rng) for _ in range(rng.randint(8, 24)))}) + "\n")
    command = [TEMPER, "data", "dedup", str(corpus), "--mark-mb", "1", "-o"]
    start = time.time()
    subprocess.run([*command, str(folder / "straight")], check=True, capture_output=True)
    seconds = time.time() - start
    all_kills = 0
    for round in range(2):
        target = folder / f"killed-{round}"
        kills = 0
        while True:
            process = subprocess.Popen([*command, str(target)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            # The first kill comes behind the first mark, however long that takes; the others come at any moment.
            while kills == 0 and process.poll() is None and not Path(f"{target}.work/state.json").exists():
                time.sleep(0.001)
            try:
                moment = 0 if kills == 0 else seconds * rng.uniform(0.2, 0.7) if kills < 3 else None
                process.wait(timeout=moment)
                break
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                kills += 1
                if target.exists() and not Path(f"{target}.work").exists():
                    break  # it had just ended
        assert target.exists(), process.stderr.read().decode()
        all_kills += kills
        for path in sorted((folder / "straight").iterdir()):
            assert path.read_bytes() == (target / path.name).read_bytes(), path.name
    assert all_kills > 0


EXPERIMENT = """
experiment: cleaned
model: {plugin: gpt, d_model: 32, num_layers: 1, num_heads: 2, max_positions: 64}
tokenizer: {plugin: sentencepiece, vocab_size: 300, data: [corpus]}
datasets:
  corpus: {plugin: jsonl, path: [%s]}
  unseen: {plugin: jsonl, path: [unseen.jsonl]}
validation_fraction: 0.2
corpus:
  data: [corpus]
  filters: [exact_dedup, near_dedup]
  near_dedup: {threshold: 0.7}
stages:
  pretrain: {data: [corpus], objective: causal_lm, steps: 4, batch_size: 4, context: 32}
evaluators:
  perplexity: {data: [unseen], documents: 5}
"""


def test_experiment(folder):
    write_corpus(folder / "c.jsonl", 300)
    write_corpus(folder / "unseen.jsonl", 60, seed=2)
    experiment = folder / "cleaned.yaml"
    experiment.write_text(EXPERIMENT % "c.jsonl")
    done = temper("run", experiment, "--out", folder / "results")
    import h5py
    (path,) = (folder / "results/cleaned").glob("*.h5")
    with h5py.File(path) as record:
        filters = {row["name"].decode(): row for row in record["ledger/filters"]}
        assert filters["exact_dedup"]["documents"] == 300 and filters["exact_dedup"]["dropped"] == 30
        assert filters["near_dedup"]["dropped"] >= 25, filters
        kinds = {row["kind"].decode() for row in record["ledger/reasons"]}
        assert "drop" in kinds and "figure" in kinds, kinds
        documents = record["data"][0]["documents"]
        assert documents < 250, documents
        assert any(row["kind"] == b"filter" for row in record["plugins"])
    again = temper("run", experiment, "--out", folder / "results")
    assert "cleaning the corpus" in done.stderr and "cleaning the corpus" not in again.stderr, again.stderr
    temper("sweep", experiment, "--vary", "corpus.filters=[],[near_dedup]", "--out", folder / "sweep", "--name", "both")
    plan = temper("sweep", experiment, "--vary", "corpus.filters=[],[near_dedup]", "--out", folder / "plan", "--dry-run").stdout
    assert "2 distinct of 2 stages" in plan, plan
    table = temper("compare", folder / "sweep/both", "--by", "corpus.filters").stdout
    assert "near_dedup" in table, table
    page = folder / "report.html"
    temper("report", folder / "sweep/both", "-o", page)
    text = page.read_text()
    assert '<section id="cleaning">' in text and "near_copy" in text
    for text, words in [
        ("filters: [exact_dedup, exact_dedup]", "exact_dedup"),
        ("filters: [exact]", "exact_dedup"),
        ("filters: [exact_dedup]\n  near_dedup: {treshold: 0.7}", "threshold"),
        ("filters: [exact_dedup]\n  near_dedupe: {threshold: 0.7}", "near_dedup"),
        ("data: [nothing]\n  filters: [exact_dedup]", "nothing"),
        ("filters: {a: b}", "corpus.filters"),
    ]:
        start, _, rest = experiment.read_text().partition("corpus:\n  data")
        broken = folder / "broken.yaml"
        broken.write_text(start + "corpus:\n  " + text + "\nstages:" + rest.partition("stages:")[2])
        done = temper("run", broken, "--dry-run", expect=2)
        assert words in done.stderr, (text, done.stderr)


def main():
    for test in (test_clean, test_decontaminate, test_bad_input, test_kill, test_experiment):
        with tempfile.TemporaryDirectory() as folder:
            start = time.time()
            test(Path(folder).resolve())
            print(f"{test.__name__}: ok, {time.time() - start:.1f} s")


if __name__ == "__main__":
    sys.exit(main())
