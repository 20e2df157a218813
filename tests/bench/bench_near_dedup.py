"""near_dedup beside datasketch: the same documents, shingles (runs of 5 words in lower case), 128 permutations, 16 bands of
8, one thread each, candidates verified by true Jaccard similarity on both sides. Prints documents/s, recall and precision.
Times are processor time, so that what else a machine does counts little. temper's is over the documents: what the program
takes for one document (its start) is taken off. It holds reading, hashing, ledger and writing, which datasketch's does not.
Which pairs are missed depends on the hash functions drawn: with --seeds recall is the mean over so many draws, with the
smallest and the largest.

Needs a Python with datasketch:  python bench_near_dedup.py TEMPER [--documents 20000] [--threshold 0.8]
"""
import argparse
import json
import random
import re
import resource
import subprocess
import tempfile
import time
from pathlib import Path

from datasketch import MinHash, MinHashLSH

WORD = re.compile(r"[a-z0-9]+")


def make_documents(count, seed=1):
    """Made-up prose with copies of all degrees of likeness."""
    rng = random.Random(seed)
    vocabulary = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 9))) for _ in range(5000)]
    documents = []
    for i in range(count):
        if i > 100 and rng.random() < 0.3:
            words = list(rng.choice(documents))
            for _ in range(int(len(words) * rng.random() * 0.15)):
                words[rng.randrange(len(words))] = rng.choice(vocabulary)
        else:
            words = rng.choices(vocabulary, k=rng.randint(80, 800))
        documents.append(words)
    return [" ".join(words) for words in documents]


def shingles(text):
    words = WORD.findall(text.lower())
    return {" ".join(words[i:i + 5]) for i in range(max(1, len(words) - 4))}


def jaccard(a, b):
    common = len(a & b)
    return common / (len(a) + len(b) - common)


def true_pairs(sets, threshold):
    """All pairs that are as similar as the threshold, found through shared shingles: none is missed."""
    holders = {}
    for i, one in enumerate(sets):
        for shingle in one:
            holders.setdefault(shingle, []).append(i)
    shared = {}
    for group in holders.values():
        for at, i in enumerate(group):
            for j in group[at + 1:]:
                shared[i, j] = shared.get((i, j), 0) + 1
    return {pair for pair, common in shared.items()
            if common / (len(sets[pair[0]]) + len(sets[pair[1]]) - common) >= threshold}


def components(pairs, count):
    parent = list(range(count))

    def root(i):
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for i, j in pairs:
        a, b = root(i), root(j)
        parent[max(a, b)] = min(a, b)
    return [root(i) for i in range(count)]


def with_datasketch(documents, threshold, seed):
    start = time.process_time()
    lsh = MinHashLSH(num_perm=128, params=(16, 8))
    sets, pairs = [], set()
    for i, text in enumerate(documents):
        one = shingles(text)
        signature = MinHash(num_perm=128, seed=seed)
        signature.update_batch([shingle.encode() for shingle in one])
        for j in lsh.query(signature):
            if jaccard(one, sets[j]) >= threshold:
                pairs.add((j, i))
        lsh.insert(i, signature)
        sets.append(one)
    return pairs, time.process_time() - start


def with_temper(temper, documents, threshold, seed):
    with tempfile.TemporaryDirectory() as folder:

        def run(name, texts):
            """Processor seconds of reading, cleaning and writing `texts`."""
            corpus = Path(folder) / f"{name}.jsonl"
            with open(corpus, "w") as out:
                for i, text in enumerate(texts):
                    out.write(json.dumps({"id": i, "text": text}) + "\n")
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([temper, "data", "clean", corpus, "-o", Path(folder) / name, "--filters", "near_dedup", "--threads", "1",
                            "--quiet", "--set", f"near_dedup.threshold={threshold}", "--set", f"near_dedup.seed={seed}"], check=True, stdout=subprocess.DEVNULL)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

        start = min(run(f"start{i}", documents[:1]) for i in range(3))
        seconds = run("all", documents)
        clusters = {}
        for line in open(Path(folder) / "all/ledger.jsonl"):
            row = json.loads(line)
            clusters[int(row["id"])] = int(row["filters"]["near_dedup"].get("cluster", row["id"]))
        return [clusters[i] for i in range(len(documents))], seconds - start, start


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("temper")
    parser.add_argument("--documents", type=int, default=20000)
    parser.add_argument("--threshold", type=float, default=0.8)
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    documents = make_documents(options.documents)
    truth = true_pairs([shingles(text) for text in documents], options.threshold)
    # Clusters are what both are for; temper skips pairs that are in one cluster already.
    right = {i for i, root in enumerate(components(truth, len(documents))) if root != i}
    recalls, precisions, times = ({"datasketch": [], "temper": []} for _ in range(3))
    starts = []
    for seed in range(1, options.seeds + 1):
        peer, peer_seconds = with_datasketch(documents, options.threshold, seed)
        clusters, seconds, start = with_temper(options.temper, documents, options.threshold, seed)
        for name, found, took in (("datasketch", components(peer, len(documents)), peer_seconds), ("temper", clusters, seconds)):
            dropped = {i for i, root in enumerate(found) if root != i}
            recalls[name].append(len(dropped & right) / len(right))
            precisions[name].append(len(dropped & right) / max(1, len(dropped)))
            times[name].append(took)
        starts.append(start)
    print(f"{len(documents)} documents, {sum(map(len, documents)) / 1e6:.1f} MB, {len(truth)} pairs at {options.threshold}, "
          f"{options.seeds} draws")
    for name, values in recalls.items():
        print(f"{name:10}  {len(documents) / min(times[name]):10.0f} documents/s   recall {sum(values) / len(values):.4f} "
              f"({min(values):.4f} to {max(values):.4f})   precision {min(precisions[name]):.4f}")
    peer_seconds, seconds, start = min(times["datasketch"]), min(times["temper"]), min(starts)
    print(f"ratio {peer_seconds / seconds:.1f}, with the program's start of {start:.2f} s {peer_seconds / (seconds + start):.1f}")


if __name__ == "__main__":
    main()
