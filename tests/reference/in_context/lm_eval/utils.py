"""What the YAML files cannot say: which rows, and which options."""


def answers(text):
    parts = [part.strip() for part in text.split(";")]
    return list(dict.fromkeys(part for part in parts if part))


def right_and_wrong(doc):
    best, right = doc["Best Answer"].strip(), answers(doc["Correct Answers"])
    if best not in right:
        right.insert(0, best)
    return best, right, answers(doc["Incorrect Answers"])


def mc1_choices(doc):
    best, _, wrong = right_and_wrong(doc)
    return [best] + wrong


def mc2_choices(doc):
    _, right, wrong = right_and_wrong(doc)
    return right + wrong


def mc2_results(doc, results):
    """lm_eval/tasks/truthfulqa/utils.py, process_results_mc2."""
    import numpy as np

    lls, _ = zip(*results)
    count = len(right_and_wrong(doc)[1])
    p_true, p_false = np.exp(np.array(lls[:count])), np.exp(np.array(lls[count:]))
    return {"acc": sum(p_true / (sum(p_true) + sum(p_false)))}


def only_test(docs):
    return docs.filter(lambda doc: doc["split"] == "test")


def subject(number):
    # The test file has its subjects in alphabetical order; these are the first three.
    name = ["abstract_algebra", "anatomy", "astronomy"][number]
    return lambda docs: docs.filter(lambda doc: doc["subject"] == name)


subject_0, subject_1, subject_2 = subject(0), subject(1), subject(2)


def copa_choices(doc):
    return [doc["1"], doc["2"]]


def copa_target(doc):
    return int(doc["Answer"]) - 1


def label(doc):
    return int(doc["label"])
