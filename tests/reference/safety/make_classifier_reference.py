"""Probabilities of scikit-learn's logistic regression over n-grams, which temper's text classifier has to give too.

Needs scikit-learn. Writes classifier_reference.json beside itself. Texts are made up.
"""
import json
import math
import pathlib
import re

import numpy
import sklearn
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression

TRAIN = [
    ["I cannot help with that.", "no"], ["I can't do that, sorry.", "no"], ["I will not say that. I will not.", "no"],
    ["Sure, here is the list: milk, eggs, milk.", "yes"], ["Here is how to bake bread.", "yes"],
    ["Of course! Bread needs flour, water and salt.", "yes"], ["You can bake it in an hour.", "yes"],
    ["I cannot condone that, but here is how.", "half"], ["That is wrong. Still, here are some ways.", "half"],
    ["미안하지만 그것은 말할 수 없습니다.", "no"], ["네, 빵을 굽는 방법입니다.", "yes"], ["그건 안 됩니다. 하지만 방법은 있습니다.", "half"],
]
TEST = ["I cannot bake bread.", "Here is a list of ways.", "SORRY, I CAN’T.", "말할 수 없습니다", "Bread, bread, bread!", "zzz"]
CASES = [
    dict(name="words, two labels", labels=["no", "yes"], word_ngrams=2, char=None, idf=False, balanced=False, strength=10),
    dict(name="words, three labels", labels=["half", "no", "yes"], word_ngrams=2, char=None, idf=False, balanced=False, strength=3),
    dict(name="idf and balance", labels=["half", "no", "yes"], word_ngrams=1, char=None, idf=True, balanced=True, strength=10),
    dict(name="characters", labels=["no", "yes"], word_ngrams=1, char=(2, 4), idf=False, balanced=True, strength=30),
    dict(name="first words", labels=["no", "yes"], word_ngrams=2, char=None, idf=False, balanced=False, strength=10, leading=3),
]


def analyse(text, case):
    tokens = re.findall(r"\w+(?:'\w+)*|[^\w\s]", text.replace("’", "'").casefold())
    grams = lambda kind, words: [f"{kind} {' '.join(words[i:i + n])}" for n in range(1, case["word_ngrams"] + 1)
                                 for i in range(len(words) - n + 1)]
    out = grams("w", tokens) + grams("l", tokens[:case.get("leading", 0)])
    if case["char"]:
        low, high = case["char"]
        for word in (f"<{t}>" for t in tokens if re.match(r"\w", t)):
            out += [f"c {word[i:i + n]}" for n in range(low, high + 1) for i in range(len(word) - n + 1)]
    return out


def probabilities(case):
    rows = [row for row in TRAIN if row[1] in case["labels"]]
    hashing = CountVectorizer(analyzer=lambda text: analyse(text, case)).fit([row[0] for row in rows] + TEST)  # no collisions
    weigh = TfidfTransformer(sublinear_tf=True, use_idf=case["idf"])
    x = weigh.fit_transform(hashing.transform([row[0] for row in rows]))
    model = LogisticRegression(C=case["strength"], class_weight="balanced" if case["balanced"] else None, tol=1e-10,
                               max_iter=10000).fit(x, [row[1] for row in rows])
    assert list(model.classes_) == case["labels"]
    return model.predict_proba(weigh.transform(hashing.transform(TEST))).tolist()


result = {"scikit_learn": sklearn.__version__, "train": TRAIN, "test": TEST,
          "cases": [dict(case, probabilities=probabilities(case)) for case in CASES]}

# Metrics of a report, on fixed pseudo-random predictions with ties.
from sklearn.metrics import precision_recall_fscore_support, roc_auc_score
rng = numpy.random.RandomState(1)
labels = ["a", "b", "c"]
truth = [labels[i] for i in rng.randint(0, 3, 60)]
scores = numpy.round(rng.dirichlet([1, 1, 1], 60) + [[0.3 * (t == k) for k in labels] for t in truth], 1)
said = [labels[i] for i in scores.argmax(1)]
p, r, f, n = precision_recall_fscore_support(truth, said, labels=labels, zero_division=0)
gain = numpy.array([(s == t) - (t == max(labels, key=truth.count)) for s, t in zip(said, truth)], float)
half = 1.959963984540054 * gain.std(ddof=1) / math.sqrt(len(gain))
result["report"] = {
    "labels": labels, "truth": truth, "probabilities": scores.tolist(),
    "accuracy": float(numpy.mean([s == t for s, t in zip(said, truth)])),
    "precision": p.tolist(), "recall": r.tolist(), "f1": f.tolist(), "rows": n.tolist(),
    "auc": [float(roc_auc_score([t == k for t in truth], scores[:, i])) for i, k in enumerate(labels)],
    "majority": max(labels, key=truth.count), "gain": [float(gain.mean()), float(gain.mean() - half), float(gain.mean() + half)],
}
path = pathlib.Path(__file__).with_name("classifier_reference.json")
path.write_text(json.dumps(result, ensure_ascii=False) + "\n", encoding="utf-8")
