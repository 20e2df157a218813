#!/usr/bin/env python3
"""How many right and wrong options TruthfulQA.csv has, split as the paper's own code does (truthfulqa/utilities.py,
split_multi_answer and format_best with close=True), each text once a question. Usage: options.py TruthfulQA.csv"""
import csv
import sys


def split_multi_answer(text):
    answers = []
    for part in text.strip().split(";"):
        part = part.strip()
        if part:
            answers.append(part if part[-1] == "." else part + ".")
    return list(dict.fromkeys(answers))


def main():
    right = wrong = rows = 0
    for row in csv.DictReader(open(sys.argv[1], newline="", encoding="utf-8")):
        best = row["Best Answer"].strip()
        best = best if best.endswith(".") else best + "."
        answers = split_multi_answer(row["Correct Answers"])
        right += len(answers) + (best not in answers)
        wrong += len(split_multi_answer(row["Incorrect Answers"]))
        rows += 1
    print(f"{rows} questions, {right} right and {wrong} wrong options")


if __name__ == "__main__":
    main()
