"""Makes win_rate_reference.json: length-controlled fits by SciPy's minimiser.

Run: python make_reference.py > win_rate_reference.json      (numpy, scipy)
"""
import json

import numpy as np
from scipy.optimize import minimize

rng = np.random.default_rng(7)
cases = []
for n, shift, slope in [(60, 0.3, 0.0), (200, -0.5, 1.5), (40, 0.0, -2.0)]:
    difference = np.round(rng.normal(100 * shift, 250, n))
    x = np.tanh(difference / difference.std())
    chance = 1 / (1 + np.exp(-(shift + slope * x)))
    preference = (rng.random(n) < chance).astype(float)
    preference[:3] = [0.5, 0.25, 0.9]  # ties and probabilities

    def loss(theta):
        z = theta[0] + theta[1] * x
        return np.sum(np.logaddexp(0, z) - preference * z) + 0.5 * 1e-3 * theta[1] ** 2 + 0.5 * 1e-6 * n * theta[0] ** 2

    fit = minimize(loss, [0.0, 0.0], method="BFGS", options={"gtol": 1e-9})
    cases.append({"duels": np.stack([preference, difference], 1).tolist(), "intercept": fit.x[0], "slope": fit.x[1]})
print(json.dumps({"cases": cases}))
