"""Makes stats_reference.json: what SciPy and statsmodels say about the cases of tests/unit/compare.

Run: python make_reference.py > stats_reference.json      (scipy, statsmodels)
"""
import json

import numpy as np
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

result = {}
result["mcnemar_mid_p"] = []
for gained, lost in [(0, 0), (5, 0), (8, 2), (10, 10), (30, 12), (200, 150)]:
    exact = mcnemar([[0, gained], [lost, 0]], exact=True).pvalue
    n, k = gained + lost, min(gained, lost)
    # mid-p: the two-sided exact p value less the probability of the observed split (Fagerland et al. 2013)
    mid = 1.0 if n == 0 else min(1.0, float(2 * stats.binom.cdf(k, n, 0.5) - stats.binom.pmf(k, n, 0.5)))
    result["mcnemar_mid_p"].append({"gained": gained, "lost": lost, "mid_p": mid, "exact": float(exact) if n else 1.0})
p_values = [0.01, 0.04, 0.03, 0.005, 0.6]
result["holm"] = {"p": p_values, "adjusted": multipletests(p_values, method="holm")[1].tolist()}
differences = [1.2, -0.3, 0.8, 2.1, -0.5, 0.9, 1.4, 0.2]
test = stats.permutation_test((np.array(differences),), np.mean, permutation_type="samples", n_resamples=np.inf)
result["sign_flip"] = {"differences": differences, "p": float(test.pvalue)}
result["wilson"] = [{"k": k, "n": n, "ci": list(map(float, proportion_confint(k, n, method="wilson")))}
                    for k, n in [(50, 100), (0, 10), (3, 300), (10, 10)]]
result["student"] = [{"t": t, "dof": dof, "p": float(2 * stats.t.sf(abs(t), dof)), "t95": float(stats.t.ppf(0.975, dof))}
                     for t, dof in [(0.0, 3.0), (2.2, 2.0), (-3.1, 4.7), (1.96, 1000.0)]]
print(json.dumps(result, indent=1))
