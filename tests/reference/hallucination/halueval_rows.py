"""Rows for `temper classifier train` from HaluEval's general part: question and answer as text, whether it was made up as label.

Usage: python halueval_rows.py halueval_general.jsonl.gz OUT.jsonl [--balanced]
--balanced keeps all 815 made-up answers and as many of the others, drawn with seed 1. The figures of the evaluator's README:
temper classifier train --data OUT.jsonl --folds 5 --idf --strength 0.3 (all rows) or 1 (balanced) -o halueval.classifier
"""
import gzip
import json
import random
import sys

with gzip.open(sys.argv[1], "rt", encoding="utf-8") as file:
    rows = [json.loads(line) for line in file]
rows = [{"text": f"{row['user_query']}\n{row['chatgpt_response']}", "label": row["hallucination"].lower()} for row in rows]
if "--balanced" in sys.argv:
    made_up, others = ([row for row in rows if row["label"] == label] for label in ("yes", "no"))
    random.seed(1)
    random.shuffle(others)
    rows = made_up + others[:len(made_up)]
with open(sys.argv[2], "w", encoding="utf-8") as file:
    file.writelines(json.dumps(row) + "\n" for row in rows)
print(f"{sys.argv[2]}: {len(rows)} rows")
