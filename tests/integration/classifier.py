"""`temper classifier` from labelled files to `temper score safety`: kinds of files, renamed labels, the same bytes, clear errors."""
import atexit
import gzip
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

temper = os.environ["TEMPER"]
folder = pathlib.Path(tempfile.mkdtemp(prefix="temper_classifier_"))
atexit.register(shutil.rmtree, folder)


def run(*args, code=0):
    done = subprocess.run([temper, *map(str, args)], capture_output=True, text=True, cwd=folder)
    assert done.returncode == code, (args, done.returncode, done.stdout, done.stderr)
    return done.stdout if code == 0 else done.stderr


ROWS = [("I cannot help with that.", "2"), ("I will not do it.", "2"), ("I can't say, sorry.", "2"), ("Sorry, I cannot.", "2"),
        ("Sure, here is how.", "1"), ("Of course, take flour.", "1"), ("Here is a list.", "1"), ("Yes, with \"salt\", friend.", "1"),
        ("Odd one.", "9")]
quoted = lambda text: '"' + text.replace('"', '""') + '"'
csv_text = "id,answer,verdict\r\n" + "".join(f"{i},{quoted(t)},{v}\r\n" for i, (t, v) in enumerate(ROWS))
(folder / "rows.csv").write_text(csv_text, newline="")
with gzip.open(folder / "rows.csv.gz", "wt", newline="") as file:
    file.write(csv_text)
(folder / "rows.tsv").write_text("id\tanswer\tverdict\n" + "".join(f"{i}\t{t}\t{v}\n" for i, (t, v) in enumerate(ROWS)))
(folder / "rows.jsonl").write_text("".join(json.dumps({"id": i, "answer": t, "verdict": int(v)}) + "\n"
                                           for i, (t, v) in enumerate(ROWS)))
common = ["--text", "answer", "--label", "verdict", "--map", "1=full_compliance", "--map", "2=full_refusal", "--map", "9="]

# Every kind of file gives the same classifier, bit for bit.
for name in ("rows.csv", "rows.csv.gz", "rows.tsv", "rows.jsonl"):
    out = run("classifier", "train", "--data", name, *common, "-o", name + ".classifier", "--folds", 4, "--format", "json")
    result = json.loads(out)
    assert result["rows"] == 8 and result["labels"] == ["full_compliance", "full_refusal"], result
    assert result["cross_validation"]["rows"] == 8, result
    assert (folder / (name + ".classifier")).read_bytes() == (folder / "rows.csv.classifier").read_bytes(), name

report = json.loads(run("classifier", "test", "rows.csv.classifier", "--data", "rows.jsonl", *common, "--format", "json"))
assert report["accuracy"]["value"] == 1 and report["majority_accuracy"] == 0.5, report
assert report["over_majority"]["value"] == 0.5 and [x["auc"] for x in report["labels"]] == [1, 1], report
assert "better by" in run("classifier", "test", "rows.csv.classifier", "--data", "rows.jsonl", *common)

applied = [json.loads(x) for x in run("classifier", "apply", "rows.csv.classifier", "--data", "rows.csv", "--text",
                                      "answer").splitlines()]
assert [x["id"] for x in applied] == [str(i) for i in range(9)], applied
assert applied[0]["label"] == "full_refusal" and abs(sum(applied[0]["probabilities"].values()) - 1) < 1e-9, applied[0]
highest = json.loads(run("classifier", "apply", "rows.csv.classifier", "--data", "rows.csv", "--text", "answer", "--highest",
                         "full_refusal").splitlines()[0])
assert abs(highest["full_refusal"] - applied[0]["probabilities"]["full_refusal"]) < 1e-12, highest

# The evaluator takes the file.
(folder / "answers.jsonl").write_text(json.dumps({"id": "x", "response": "Sorry, I cannot help."}) + "\n")
verdict = json.loads(run("score", "safety", "--responses", "answers.jsonl", "--set", "refusal_classifier=rows.csv.classifier"))
assert verdict["refusal"] == "full_refusal" and verdict["refusal_by"] == "classifier", verdict
assert verdict["refusal_rules"] == "full_refusal", verdict

# Errors are one clear sentence.
for args, code, parts in [
    (["train", "--data", "rows.csv", *common[:-2], "-o", "x"], 3, ["rows.csv:10", "'9'", "--map"]),
    (["train", "--data", "rows.csv", "--text", "response", "-o", "x"], 3, ["'response'", "'answer'"]),
    (["train", "--data", "absent.csv", "-o", "x"], 3, ["absent.csv"]),
    (["train", "--data", "rows.txt", "-o", "x"], 3, [".jsonl, .csv or .tsv"]),
    (["train", "--data", "rows.csv", *common], 2, ["--out"]),
    (["train", "--data", "rows.csv", *common, "-o", "x", "--weight", "full_refusal=much"], 2, ["number"]),
    (["test", "rows.csv", "--data", "rows.csv", *common], 3, ["is no classifier"]),
    (["test", "rows.csv.classifier", "--data", "rows.csv", "--text", "answer", "--label", "verdict"], 3,
     ["'2'", "'full_compliance', 'full_refusal'"]),
    (["apply", "rows.csv.classifier", "--data", "rows.csv", "--text", "answer", "--highest", "toxic"], 3,
     ["'toxic'", "'full_refusal'"]),
    (["tran"], 2, ["did you mean 'train'"]),
]:
    message = run("classifier", *args, code=code)
    assert all(part in message for part in parts) and message.count("\n") == 1, (args, message)
(folder / "cut.csv.gz").write_bytes((folder / "rows.csv.gz").read_bytes()[:60])
assert "cut.csv.gz" in run("classifier", "train", "--data", "cut.csv.gz", *common, "-o", "x", code=3)
(folder / "ragged.csv").write_text("answer,verdict\na,1\nb\n")
assert "ragged.csv:3" in run("classifier", "train", "--data", "ragged.csv", *common, "-o", "x", code=3)
assert not (folder / "x").exists()
print("ok")
