"""10,000 lines of mixed text, the same each time: real English, Korean and other languages from the shared data, and made-up
code, numbers, contractions, white space, emoji and rare characters. Used by make_reference.py."""
import gzip
import json
import random


def real_texts(data):
    texts = []
    for name in ("corpus/wikitext2_valid.txt", "corpus/tinyshakespeare.txt", "cleaning/korean_comments_unlabeled.txt",
                 "corpus/wikipedia_sample.txt"):
        texts.append(open(f"{data}/{name}", encoding="utf-8").read().split("\n"))
    for name in ("cleaning/language_id_udhr.jsonl", "corpus/korean_wiki_paragraphs.jsonl", "corpus/c4_sample.jsonl",
                 "preferences/hh_harmless.jsonl"):
        rows = [json.loads(line) for line in open(f"{data}/{name}", encoding="utf-8")]
        texts.append([value for row in rows for value in row.values() if isinstance(value, str)])
    rows = json.load(open(f"{data}/instructions/gpteacher_codegen.json", encoding="utf-8"))
    texts.append([row["response"] for row in rows])
    with gzip.open(f"{data}/instructions/gsm8k_train.jsonl.gz", "rt", encoding="utf-8") as file:
        texts.append([json.loads(line)["answer"] for line in file])
    return [[text for text in group if text.strip()] for group in texts]


PARTS = ["it's", "IT'S", "we'LL", "don\u2019t", "'S", "'\u017f", "I'm'd've", "12345", "3.14159", "1,000,000", "\u0664\u0665", "\u00bd", "\u2167",
         "\u2460", "\n", "\r\n", "\n\n", "\t", "\t\t", " ", "  ", "   ", "     ", "\u00a0", "\u3000", "\u2028", "\u180e", "\u200d", "\u200b", "\ufeff",
         "\x85", "\x0b", "\x1c", "\x00", "\x7f", "\u00ad", "e\u0301", "\u00e9", "\uac00", "\u1100\u1161", "\ud55c\uad6d\uc5b4", "\uc548\ub155\ud558\uc138\uc694", "\u65e5\u672c\u8a9e",
         "\uff21\uff22", "\ufb01", "\u0130I\u0131i", "\u03a3\u03c3\u03c2", "\U0001f917", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\u2764\ufe0f", "\U0001f1f0\U0001f1f7", "\U00031350", "\U0002ebf0",
         "\U00010d40", "\u0e01\u0e33", "\u0928\u093f", "\u05e9\u05b8", "\u0627\u0644", "...", "!!!", "--", "==>", "#include <a.h>", "def f(x):", "{\n\t}",
         "x=1;", "</s>", "<|endoftext|>", "<|im_start|>", "<|eot_id|>", "<pad>", "a", "Z", "zz", "aaaaaaaaaaaaaaaaaaaaaaaa"]


def generated(rng):
    kind = rng.randrange(4)
    if kind == 0:
        return "".join(rng.choice(PARTS) for _ in range(rng.randrange(1, 24)))
    if kind == 1:
        return " ".join(rng.choice(PARTS) for _ in range(rng.randrange(1, 24)))
    if kind == 2:
        planes = [(0, 0x80), (0x80, 0x250), (0x250, 0x3000), (0x3000, 0xD800), (0xE000, 0x10000), (0x1F300, 0x1FA00)]
        return "".join(chr(rng.randrange(*rng.choice(planes))) for _ in range(rng.randrange(1, 40)))
    return "".join(rng.choice(" \n\t\r\u00a0ab1.'") for _ in range(rng.randrange(1, 60)))


def lines(data, count=10_000):
    rng = random.Random(20260)
    groups = real_texts(data)
    made = []
    while len(made) < count:
        if rng.random() < 0.4:
            made.append(generated(rng))
            continue
        text = rng.choice(rng.choice(groups))
        begin = rng.randrange(max(1, len(text) - 300))
        made.append(text[begin:begin + rng.randrange(20, 600)])
        if rng.random() < 0.2:
            made[-1] += generated(rng)
    return [line for line in made[:count]]
