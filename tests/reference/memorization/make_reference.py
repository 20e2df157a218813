"""Makes memorization_reference.json: areas under ROC curves by scikit-learn, the mean of the k% lowest as min-k% is published
(https://github.com/swj0419/detect-pretrain-code), the exposure of a uniformly drawn rank by plain summation, and the exposure
by a normal fit with SciPy's tail.

Run: python make_reference.py > memorization_reference.json      (scikit-learn, scipy, numpy)
"""
import json
import math

import numpy as np
from scipy import stats
from sklearn.metrics import roc_auc_score

rng = np.random.default_rng(4)
areas = []
for members, others, shift, digits in [(5, 7, 0.0, 1), (40, 30, 0.8, 1), (30, 30, 0.3, 3), (20, 25, -1.0, 2)]:
    a = np.round(rng.normal(shift, 1, members), digits)
    b = np.round(rng.normal(0, 1, others), digits)
    area = roc_auc_score([1] * members + [0] * others, np.concatenate([a, b]))
    areas.append({"members": a.tolist(), "others": b.tolist(), "area": float(area)})
lowest = []
for size, share in [(10, 0.2), (64, 0.2), (7, 0.5), (3, 0.1)]:
    values = np.round(rng.normal(-3, 1, size), 3)
    count = max(1, int(size * share))
    lowest.append({"values": values.tolist(), "share": share, "mean": float(np.mean(np.sort(values)[:count]))})
exposure = [{"candidates": n, "bits": sum(math.log2(n) - math.log2(r) for r in range(1, n + 1)) / n}
            for n in (2, 10, 128, 1000, 100000)]
fits = []
for count, truth in [(20, -30.0), (50, -45.0), (127, -20.0), (5, -5.0)]:
    others = np.round(rng.normal(-40, 4, count), 3)
    bits = -stats.norm.logsf(truth, others.mean(), others.std(ddof=1)) / math.log(2)
    fits.append({"others": others.tolist(), "truth": truth, "most": 19.93, "bits": float(min(19.93, bits))})
print(json.dumps({"areas": areas, "lowest": lowest, "exposure": exposure, "fits": fits}, indent=1))
