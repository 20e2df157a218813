#!/usr/bin/env python3
"""Logistic regression on standardised features with scikit-learn: what test_reward_model.cpp holds fit_logistic() against."""
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

x = np.array([[k % 7 - 3 + 0.25 * (k % 3), 100 + 20 * ((k * k) % 11), 5.0] for k in range(40)], dtype=float)
y = np.array([(k % 7 > 3) ^ (k % 5 == 0) for k in range(40)], dtype=int)
scaler = StandardScaler().fit(x)
for strength in (0.05, 2.0):
    fit = LogisticRegression(C=strength, tol=1e-12, max_iter=10000).fit(scaler.transform(x), y)
    weight = fit.coef_[0] / scaler.scale_
    print(strength, [f"{v:.9f}" for v in weight], f"{fit.intercept_[0] - weight @ scaler.mean_:.9f}")
