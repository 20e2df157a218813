"""The filter quality beside datatrove's filters of the same rules (C4, Gopher, FineWeb): the same documents, one set of rules
at a time. Prints for each set how many verdicts agree, and counts the differences by both verdicts. datatrove is asked twice:
with its own English tokeniser (spaCy's), and with temper's tokens in its place, so that what is left are differences of the
rules themselves. Times are processor time, so that what else a machine does counts little; temper's holds reading, ledger and
writing, but not the program's start.

Needs a Python with datatrove, spacy and regex:  python bench_quality.py TEMPER DOCUMENTS.jsonl... [--most 3000] [--show 3] [--trim]
"""
import argparse
import collections
import json
import resource
import subprocess
import tempfile
import time
from pathlib import Path

import datatrove.pipeline.filters.c4_filters as c4
import datatrove.pipeline.filters.fineweb_quality_filter as fineweb
import datatrove.pipeline.filters.gopher_quality_filter as gopher_quality
import datatrove.pipeline.filters.gopher_repetition_filter as gopher_repetition
import regex
from datatrove.data import Document

# temper's words and signs: see plugins/filters/quality/tokens.h.
TOKEN = regex.compile(r"[\p{L}\p{M}\p{N}](?:['\u2019](?=[\p{L}\p{M}])|[\p{L}\p{M}\p{N}])*|([^\s\p{L}\p{M}\p{N}\p{Cc}])\1*")

# datatrove's names of the rules, and temper's.
SETS = {
    "c4": (lambda: c4.C4QualityFilter(remove_citations=False), c4,
           {"lorem_ipsum": "c4_lorem_ipsum", "curly_bracket": "c4_curly_bracket", "too_few_sentences": "c4_few_sentences"}),
    "gopher_repetition": (gopher_repetition.GopherRepetitionFilter, gopher_repetition, {
        "dup_para_frac": "gopher_dup_paragraphs", "dup_para_char_frac": "gopher_dup_paragraph_characters",
        "dup_line_frac": "gopher_dup_lines", "dup_line_char_frac": "gopher_dup_line_characters",
        **{f"top_{n}_gram": f"gopher_top_{n}_gram" for n in (2, 3, 4)},
        **{f"duplicated_{n}_n_grams": f"gopher_dup_{n}_gram" for n in range(5, 11)}}),
    "gopher_quality": (gopher_quality.GopherQualityFilter, gopher_quality, {
        "gopher_short_doc": "gopher_short", "gopher_long_doc": "gopher_long",
        "gopher_below_avg_threshold": "gopher_word_length", "gopher_above_avg_threshold": "gopher_word_length",
        "gopher_too_many_hashes": "gopher_symbols", "gopher_too_many_ellipsis": "gopher_symbols",
        "gopher_too_many_bullets": "gopher_bullets", "gopher_too_many_end_ellipsis": "gopher_ellipses",
        "gopher_below_alpha_threshold": "gopher_alpha", "gopher_enough_stop_words": "gopher_stop_words"}),
    "fineweb": (fineweb.FineWebQualityFilter, fineweb, {
        "line_punct_ratio": "fineweb_punctuation", "short_line_ratio": "fineweb_short_lines",
        "char_dup_ratio": "fineweb_dup_characters", "list_ratio": "fineweb_newlines"}),
}


def temper_words(text, language=None):
    return [match.group() for match in TOKEN.finditer(text)]


def read_documents(paths, most, trim):
    texts = []
    for path in paths:
        for line in open(path, encoding="utf-8"):
            text = json.loads(line).get("text")
            if text and text.strip():
                texts.append(text)
    step = max(1, len(texts) // most)
    texts = texts[::step][:most]
    return [regex.sub(r"[ \t]+(?=\n|$)", "", text) for text in texts] if trim else texts


def by_temper(temper, texts, name):
    with tempfile.TemporaryDirectory() as folder:

        def run(out, some):
            corpus = Path(folder) / f"{out}.jsonl"
            corpus.write_text("".join(json.dumps({"id": str(i), "text": text}) + "\n" for i, text in enumerate(some)))
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([temper, "data", "clean", corpus, "-o", Path(folder) / out, "--filters", "quality", "--threads", "1",
                            "--quiet", "--set", f"quality.rules=[{name}]", "--set", "quality.without=[]"],
                           check=True, stdout=subprocess.DEVNULL)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

        start = min(run(f"start{i}", texts[:1]) for i in range(3))
        seconds = run("all", texts) - start
        verdicts = []
        for line in open(Path(folder) / "all/ledger.jsonl"):
            entry = json.loads(line)["filters"].get("quality", {})
            verdicts.append(entry.get("reason", "") if entry.get("verdict") == "drop" else "")
        return verdicts, seconds


def by_datatrove(texts, name):
    make, _, names = SETS[name]
    judge = make()
    verdicts = []
    start = time.process_time()
    for i, text in enumerate(texts):
        try:
            verdict = judge.filter(Document(text=text, id=str(i)))
        except ZeroDivisionError:  # a text without any word or line
            verdict = (False, "empty")
        verdicts.append("" if verdict is True else names.get(verdict[1], verdict[1]))
    return verdicts, time.process_time() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("temper")
    parser.add_argument("documents", nargs="+")
    parser.add_argument("--most", type=int, default=3000, help="documents taken, spread over the files")
    parser.add_argument("--show", type=int, default=0, help="documents shown of each difference")
    parser.add_argument("--trim", action="store_true", help="take blanks off the ends of lines first")
    options = parser.parse_args()
    texts = read_documents(options.documents, options.most, options.trim)
    size = sum(len(text.encode()) for text in texts) / 1e6
    print(f"{len(texts)} documents, {size:.1f} MB")
    for name, (_, module, _) in SETS.items():
        by_datatrove(texts[:2], name)  # loads spaCy
        peer, peer_seconds = by_datatrove(texts, name)
        ours, seconds = by_temper(options.temper, texts, name)
        own_words = getattr(module, "split_into_words", None)
        if own_words:
            module.split_into_words = temper_words
        same_words, _ = by_datatrove(texts, name)
        if own_words:
            module.split_into_words = own_words
        print(f"\n{name}: datatrove {size / peer_seconds:.2f} MB/s, temper {size / seconds:.1f} MB/s, ratio "
              f"{peer_seconds / seconds:.0f}")
        for what, theirs in (("datatrove's tokens", peer), ("temper's tokens", same_words)):
            kept = sum((a == "") == (b == "") for a, b in zip(theirs, ours))
            print(f"  {what}: {kept} of {len(texts)} kept or dropped alike, {sum(a == b for a, b in zip(theirs, ours))} by the "
                  f"same rule; datatrove drops {sum(a != '' for a in theirs)}, temper {sum(b != '' for b in ours)}")
            differences = collections.defaultdict(list)
            for i, (a, b) in enumerate(zip(theirs, ours)):
                if a != b:
                    differences[a or "keeps", b or "keeps"].append(i)
            for (a, b), places in sorted(differences.items(), key=lambda item: -len(item[1])):
                print(f"    {len(places):5}  datatrove {a}, temper {b}")
                for i in places[:options.show]:
                    print(f"           document {i}: {texts[i][:200]!r}")


if __name__ == "__main__":
    main()
