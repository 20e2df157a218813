"""Numbers for the span corruption tests, from a NumPy port of the published algorithm (Raffel et al. 2020; the reference rounds
in TensorFlow, half to even, as NumPy and Python do). Random numbers differ between the two, so masks are not compared one by
one: what is fixed beforehand is (counts, lengths, what a given mask leaves), and of what is drawn the distribution is.
Run: python make_span_numbers.py > span_numbers.json"""
import json

import numpy as np


def counts(length, density, mean_span):
    noise = int(np.round(length * density))
    noise = min(max(noise, 1), length - 1)
    spans = max(int(np.round(noise / mean_span)), 1)
    return noise, min(spans, length - noise)  # each span needs kept text before it


def fitting_length(inputs_length, density, mean_span):
    def lengths(tokens):
        noise = int(round(tokens * density))
        spans = int(round(noise / mean_span))
        return tokens - noise + spans + 1, noise + spans + 1

    tokens = inputs_length - 1
    while lengths(tokens + 1)[0] <= inputs_length:
        tokens += 1
    return tokens, lengths(tokens)[1]


def segments(items, parts, rng):
    first = np.concatenate([[0], rng.permutation((np.arange(items - 1) < parts - 1).astype(int))])
    return np.bincount(np.cumsum(first), minlength=parts)


def mask(length, density, mean_span, rng):
    noise, spans = counts(length, density, mean_span)
    lengths = np.stack([segments(length - noise, spans, rng), segments(noise, spans, rng)], axis=1).reshape(-1)
    return np.repeat(np.arange(2 * spans) % 2 == 1, lengths)


def sentinels(tokens, where, first_sentinel):
    """Each run of `where` becomes one sentinel; they count downwards."""
    where = np.asarray(where, bool)
    before = np.concatenate([[False], where[:-1]])
    starts = where & ~before
    replaced = np.where(starts, first_sentinel + 1 - np.cumsum(starts), tokens)
    return replaced[~(where & before)].tolist()


def main():
    rng = np.random.default_rng(1)
    noise = [(0.15, 3), (0.15, 8), (0.15, 64), (0.5, 3), (0.5, 8), (0.3, 2), (0.55, 1)]
    out = {"counts": [], "lengths": [], "masks": [], "histograms": []}
    for length in [2, 3, 5, 10, 20, 30, 50, 64, 100, 127, 256, 568, 1000]:
        for density, mean_span in noise:
            out["counts"].append([length, density, mean_span, *counts(length, density, mean_span)])
    for context in [64, 100, 128, 256, 512, 1024]:
        for density, mean_span in [(0.15, 3), (0.15, 8), (0.3, 2), (0.3, 3)]:
            out["lengths"].append([context, density, mean_span, *fitting_length(context, density, mean_span)])
    for length, density, mean_span in [(6, 0.5, 2), (12, 0.3, 2), (20, 0.15, 3), (40, 0.5, 3)]:
        where = mask(length, density, mean_span, rng)
        tokens = np.arange(100, 100 + length)
        out["masks"].append({"mask": where.astype(int).tolist(), "inputs": sentinels(tokens, where, 999),
                             "targets": sentinels(tokens, ~where, 999)})
    # How long spans are, and how often each position is removed, over many masks.
    for length, density, mean_span, draws in [(64, 0.15, 3, 40000), (40, 0.5, 3, 40000)]:
        spans, removed = np.zeros(length + 1), np.zeros(length)
        for _ in range(draws):
            where = mask(length, density, mean_span, rng)
            removed += where
            edges = np.flatnonzero(np.diff(np.concatenate([[0], where.astype(int), [0]])))
            spans += np.bincount(edges[1::2] - edges[::2], minlength=length + 1)
        spans = spans / spans.sum()
        out["histograms"].append({"length": length, "density": density, "mean_span": mean_span,
                                  "span_length": np.round(spans[:13], 5).tolist(),
                                  "removed": np.round(removed / draws, 4).tolist()})
    print(json.dumps(out))


main()
