"""Makes effects_reference.json: contrasts between runs (differences and differences of differences, over contexts and seeds)
and their bootstrap intervals over items and seeds, by NumPy alone and with twenty times the draws. tests/unit/compare has to
give the same values, and intervals as near as draws allow.

Run: python make_reference.py > effects_reference.json      (numpy)
"""
import json

import numpy as np

DRAWS = 200_000
rng = np.random.default_rng(12)


def contrast(terms, num, den, clusters):
    """terms: (seed, [(sign, run)]); num and den: run x item."""
    seeds = sorted({seed for seed, _ in terms})
    seed_of = np.array([seeds.index(seed) for seed, _ in terms])
    names = clusters or [f"item{i}" for i in range(num.shape[1])]
    units = sorted(set(names))
    member = np.array([[name == unit for name in names] for unit in units], dtype=float)  # unit x item
    top, bottom = num @ member.T, den @ member.T  # run x unit
    signs = np.zeros((len(terms), num.shape[0]))
    for t, (_, runs) in enumerate(terms):
        for sign, run in runs:
            signs[t, run] += sign

    def value(item_weights, seed_weights):
        """Arrays of draws x units and draws x seeds."""
        metric = (item_weights @ top.T) / (item_weights @ bottom.T)  # draw x run
        weights = seed_weights[:, seed_of]  # draw x term
        return (weights * (metric @ signs.T)).sum(1) / weights.sum(1)

    estimate = value(np.ones((1, len(units))), np.ones((1, len(seeds))))[0]
    samples = []
    for _ in range(20):
        items = rng.multinomial(len(units), np.full(len(units), 1 / len(units)), DRAWS // 20)
        drawn = rng.multinomial(len(seeds), np.full(len(seeds), 1 / len(seeds)), DRAWS // 20)
        samples.append(value(items, drawn))
    samples = np.concatenate(samples)
    low, high = np.quantile(samples, [0.025, 0.975])
    return {"value": float(estimate), "ci_low": float(low), "ci_high": float(high), "stderr": float(samples.std(ddof=1))}


def design(items, ratio):
    """Two rates x three sizes x three seeds; the rate helps, more so for the last size."""
    runs, num, den = [], [], []
    for seed in range(3):
        shift = rng.normal(0, 0.05)
        for rate in range(2):
            for size in range(3):
                chance = np.clip(0.35 + shift + 0.12 * rate + 0.05 * size + 0.1 * (rate == 1 and size == 2) +
                                 np.linspace(-0.2, 0.2, items), 0, 1)
                runs.append((seed, rate, size))
                bottom = rng.integers(1, 9, items) if ratio else np.ones(items, dtype=int)
                num.append(rng.binomial(bottom, chance))
                den.append(bottom)
    return runs, np.array(num, dtype=float), np.array(den, dtype=float)


def terms_of(runs, lost, wanted, base):
    """Of the runs with `wanted` (rate, size; None is any), against those with `base` in its place, one axis or both."""
    place = {run: i for i, run in enumerate(runs) if run not in lost}
    terms = []
    for seed, rate, size in runs:
        if (wanted[0] not in (None, rate)) or (wanted[1] not in (None, size)):
            continue
        parts = []
        for swap_rate in ([False, True] if wanted[0] is not None else [False]):
            for swap_size in ([False, True] if wanted[1] is not None else [False]):
                other = (seed, base[0] if swap_rate else rate, base[1] if swap_size else size)
                parts.append(((-1) ** (swap_rate + swap_size), place.get(other)))
        if all(run is not None for _, run in parts):
            terms.append((seed, parts))
    return terms


cases = []
for name, items, ratio, lost, wanted, clusters in [
        ("effect of the rate, one run lost", 40, False, [(1, 0, 1)], (1, None), None),
        ("effect of the last size", 40, False, [], (None, 2), None),
        ("interaction, means", 60, False, [(2, 1, 0)], (1, 2), None),
        ("interaction, ratios of sums", 30, True, [], (1, 2), None),
        ("effect of the rate, items in clusters", 40, False, [], (1, None), [f"source{i // 4}" for i in range(40)]),
        ("effect of the rate, values of runs only", 1, True, [], (1, None), None)]:
    runs, num, den = design(items, ratio)
    terms = terms_of(runs, lost, wanted, (0, 0))
    cases.append({"name": name, "numerators": num.astype(int).tolist(), "denominators": den.astype(int).tolist(),
                  "clusters": clusters or [], "terms": [{"seed": str(seed), "runs": runs_of} for seed, runs_of in terms],
                  "expected": contrast(terms, num, den, clusters)})
print(json.dumps({"draws": DRAWS, "cases": cases}))
