"""Numbers for the tests of preference.h, policy_gradient.h and reward_shaping.h, computed by TRL in float64.

Losses come from the methods of TRL 1.16 itself (RewardTrainer.compute_loss, DPOTrainer, KTOTrainer and GRPOTrainer._compute_loss),
called with a stand-in for the trainer and with log-probabilities in place of a model. What TRL has dropped since (per-token
rewards, GAE, the clipped losses of PPO, label smoothing, the KL controller, running moments) comes from the source of TRL 0.11.4, of
which single functions are executed. Only group advantages are written out here, as TRL computes them inside a long method.
Where TRL departs from what temper does the case avoids it: its PPO has no bootstrap and runs GAE over padding.
Run: python make_reference.py FOLDER > rlhf_reference.json     FOLDER: the unpacked wheel of trl 0.11.4
"""
import ast
import json
import math
import pathlib
import sys
from collections import defaultdict
from types import SimpleNamespace
from unittest.mock import MagicMock

import numpy as np
import torch
import torch.nn.functional as F
from trl import DPOTrainer, GRPOTrainer, KTOTrainer, RewardTrainer
from trl.rewards import get_soft_overlong_punishment
from trl.trainer.utils import nanstd

torch.set_default_dtype(torch.float64)
torch.manual_seed(20251125)
CASES = []


def old_source(folder, path, names):
    """The named functions, classes and methods ("Class.method") of a file of TRL 0.11.4, without importing the package."""
    tree = ast.parse((pathlib.Path(folder) / path).read_text())
    found = {}
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name in names:
            found[node.name] = node
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef) and f"{node.name}.{inner.name}" in names:
                    found[f"{node.name}.{inner.name}"] = inner
    assert set(found) == set(names), set(names) - set(found)
    for node in found.values():
        node.decorator_list = []
    module = ast.Module(
        [ast.parse("from __future__ import annotations").body[0], *found.values()], type_ignores=[])
    return compile(ast.fix_missing_locations(module), path, "exec")


def pack(value):
    if isinstance(value, torch.Tensor):
        value = value.detach()
        data = value.flatten().tolist()
        return {"shape": list(value.shape), "data": [None if isinstance(x, float) and math.isnan(x) else x for x in data]}
    return value


def case(function, inputs, expected, **settings):
    CASES.append({"function": function, "settings": settings, "inputs": {k: pack(v) for k, v in inputs.items()},
                  "expected": {k: pack(v) for k, v in expected.items()}})


def trainer(**attributes):
    stand_in = MagicMock()
    stand_in._metrics = {"train": defaultdict(list)}
    stand_in._total_train_tokens, stand_in._tp_size = 0, 1
    stand_in.aux_loss_enabled = False
    stand_in.accelerator.device = "cpu"
    stand_in.accelerator.gather = stand_in.accelerator.gather_for_metrics = lambda x: x
    stand_in.accelerator.reduce = lambda x, reduction: x
    for name, value in attributes.items():
        setattr(stand_in, name, value)
    return stand_in


def random_mask(rows, positions):
    """Runs of ones of different lengths and starts, at least one each."""
    mask = torch.zeros(rows, positions, dtype=torch.long)
    for row in range(rows):
        length = int(torch.randint(1, positions + 1, ()))
        start = int(torch.randint(0, positions - length + 1, ()))
        mask[row, start:start + length] = 1
    return mask


def prefix_mask(rows, positions):
    lengths = torch.randint(1, positions + 1, (rows,))
    lengths[0] = positions
    return (torch.arange(positions) < lengths[:, None]).long()


def reward_cases():
    for pairs, centring, with_margin in [(1, None, False), (4, None, True), (6, 0.01, False), (5, 0.3, True)]:
        rewards = (torch.randn(2 * pairs, 1) * 3).requires_grad_()
        inputs = {"attention_mask": torch.ones(2 * pairs, 3)}
        margin = torch.rand(pairs)
        if with_margin:
            inputs["margin"] = margin
        stand_in = trainer(args=SimpleNamespace(center_rewards_coefficient=centring))
        loss = RewardTrainer.compute_loss(stand_in, lambda **_: SimpleNamespace(logits=rewards), inputs)
        loss.backward()
        chosen, rejected = rewards.squeeze(-1).chunk(2)
        grads = rewards.grad.squeeze(-1).chunk(2)
        case("bradley_terry", {"chosen": chosen, "rejected": rejected, **({"margin": margin} if with_margin else {})},
             {"loss": loss, "grad_chosen": grads[0], "grad_rejected": grads[1],
              "accuracy": stand_in._metrics["train"]["accuracy"][0], "margin": stand_in._metrics["train"]["margin"][0]},
             centring=centring or 0.0)


def dpo_cases():
    """TRL's loss from log-probabilities of tokens; the gradient is to those."""
    for kind, beta, smoothing, pairs, positions in [
            ("sigmoid", 0.1, 0.0, 4, 7), ("sigmoid", 2.5, 0.0, 1, 3), ("ipo", 0.1, 0.0, 4, 6), ("ipo", 0.7, 0.0, 3, 9),
            ("hinge", 0.5, 0.0, 5, 5), ("robust", 0.3, 0.2, 4, 6), ("robust", 1.0, 0.0, 2, 4)]:
        log_probs = (-3 * torch.rand(2 * pairs, positions)).requires_grad_()
        mask = random_mask(2 * pairs, positions)
        reference = (-3 * torch.rand(2 * pairs, positions) * mask).sum(1)
        whole = torch.cat([torch.zeros(2 * pairs, 1, dtype=torch.long), mask], 1)

        def model(**_):
            return SimpleNamespace(log_probs=log_probs * mask, entropy=torch.zeros_like(log_probs),
                                   mean_logits=torch.zeros_like(log_probs), is_top1=mask.bool())

        stand_in = trainer(ld_alpha=None, precompute_ref_logps=True, f_divergence_type="reverse_kl", loss_types=[kind],
                           loss_weights=[1.0], beta=beta, label_smoothing=smoothing, use_weighting=False)
        inputs = {"input_ids": whole, "attention_mask": whole, "completion_mask": whole,
                  "ref_chosen_logps": reference[:pairs], "ref_rejected_logps": reference[pairs:]}
        loss = DPOTrainer._compute_loss(stand_in, model, inputs, False)
        loss.backward()
        metrics = stand_in._metrics["train"]
        case("dpo", {"log_probs": log_probs, "mask": mask, "reference": reference},
             {"loss": loss, "grad": log_probs.grad, "accuracy": metrics["rewards/accuracies"][0],
              "chosen_reward": metrics["rewards/chosen"][0], "rejected_reward": metrics["rewards/rejected"][0]},
             loss=kind, beta=beta, label_smoothing=smoothing)


def smoothed_dpo_cases(folder):
    class Divergence:
        JS_DIVERGENCE, ALPHA_DIVERGENCE = SimpleNamespace(value="js"), SimpleNamespace(value="alpha")

    space = {"torch": torch, "F": F, "FDivergenceType": Divergence}
    exec(old_source(folder, "trl/trainer/dpo_trainer.py", ["DPOTrainer.dpo_loss"]), space)
    for beta, smoothing, pairs in [(0.1, 0.1, 5), (0.8, 0.3, 3), (0.4, 0.45, 2)]:
        sums = [(-10 * torch.rand(pairs)).requires_grad_(which < 2) for which in range(4)]
        stand_in = trainer(reference_free=False, f_divergence_type="reverse_kl", loss_type="sigmoid", beta=beta,
                           label_smoothing=smoothing)
        losses, chosen, rejected = space["dpo_loss"](stand_in, *sums)
        losses.sum().backward()
        log_probs = torch.cat([sums[0], sums[1]]).detach()[:, None]
        case("dpo", {"log_probs": log_probs, "mask": torch.ones(2 * pairs, 1, dtype=torch.long),
                     "reference": torch.cat([sums[2], sums[3]])},
             {"losses": losses, "grad": torch.cat([sums[0].grad, sums[1].grad])[:, None] / pairs, "loss": losses.mean(),
              "accuracy": (chosen > rejected).double().mean().item(), "chosen_reward": chosen.mean().item(),
              "rejected_reward": rejected.mean().item()}, loss="sigmoid", beta=beta, label_smoothing=smoothing)


def kto_cases():
    for labels, beta, desirable, undesirable, shift in [
            ([1, 0, 1, 1, 0], 0.1, 1.0, 1.0, 1.0), ([1, 0, 0, 1], 0.5, 1.3, 0.7, 0.5), ([1, 0, 1], 0.3, 1.0, 1.0, -9.0),
            ([0, 0], 0.2, 1.0, 2.0, 0.3)]:
        rows, positions = len(labels), 5
        log_probs = (-2 * torch.rand(rows, positions)).requires_grad_()
        mask = random_mask(rows, positions)
        reference = (-2 * torch.rand(rows, positions) * mask).sum(1)
        policy_kl = (torch.randn(rows) + shift).requires_grad_()
        reference_kl = torch.randn(rows) * 0.1
        whole = torch.cat([torch.zeros(rows, 1, dtype=torch.long), mask], 1)

        def model(**_):
            return SimpleNamespace(log_probs=log_probs * mask, entropy=torch.zeros_like(log_probs),
                                   mean_logits=torch.zeros_like(log_probs))

        stand_in = trainer(calculate_KL=True, precompute_ref_logps=True, loss_type="kto", beta=beta,
                           desirable_weight=desirable, undesirable_weight=undesirable,
                           _compute_kl_logps=lambda *_: policy_kl)
        batch = {"input_ids": whole, "attention_mask": whole, "completion_mask": whole, "label": torch.tensor(labels),
                 "ref_logps": reference, "ref_KL_logps": reference_kl}
        loss = KTOTrainer._compute_loss(stand_in, model, batch, False)
        loss.backward()
        assert policy_kl.grad is None
        case("kto", {"log_probs": log_probs, "mask": mask, "reference": reference, "desirable": torch.tensor(labels),
                     "policy_mismatched": policy_kl, "reference_mismatched": reference_kl},
             {"loss": loss, "grad": log_probs.grad, "baseline": stand_in._metrics["train"]["kl"][0]},
             beta=beta, desirable_weight=desirable, undesirable_weight=undesirable)


def ppo_cases(folder):
    space = {"torch": torch, "F": F, "np": np}
    exec(old_source(folder, "trl/core.py", ["masked_mean", "masked_var", "masked_whiten", "clip_by_value", "flatten_dict",
                                            "entropy_from_logits"]), space)
    space["Mapping"] = __import__("collections.abc").abc.Mapping
    exec(old_source(folder, "trl/trainer/utils.py", ["AdaptiveKLController"]), space)
    methods = ["compute_rewards", "_kl_penalty", "compute_advantages", "loss"]
    exec(old_source(folder, "trl/trainer/ppo_trainer.py", ["PPOTrainer." + name for name in methods]), space)

    for estimator, rows, positions, gamma, lam, whiten, clip, value_clip in [
            ("kl", 4, 6, 1.0, 0.95, False, 0.2, 0.2), ("abs", 3, 5, 0.99, 0.9, True, 0.1, 0.3),
            ("mse", 5, 8, 0.9, 1.0, False, 0.3, 0.1), ("kl", 2, 3, 1.0, 0.0, True, 0.2, 0.2)]:
        # TRL's whitened rewards are not 0 on padding and leak into its GAE, so those cases have none.
        mask = torch.ones(rows, positions, dtype=torch.long) if whiten else prefix_mask(rows, positions)
        old, reference = -3 * torch.rand(rows, positions), -3 * torch.rand(rows, positions)
        values, scores = torch.randn(rows, positions), torch.randn(rows)
        config = SimpleNamespace(kl_penalty=estimator, whiten_rewards=whiten, gamma=gamma, lam=lam, cliprange=clip,
                                 cliprange_value=value_clip, vf_coef=1.0, ratio_threshold=1e9)
        stand_in = SimpleNamespace(config=config, kl_ctl=SimpleNamespace(value=0.15))
        stand_in._kl_penalty = lambda *args: space["_kl_penalty"](stand_in, *args)
        rewards, _, kls = space["compute_rewards"](stand_in, scores, old, reference, mask)
        _, advantages, returns = space["compute_advantages"](stand_in, values, rewards, mask)
        policy = (old + 0.4 * torch.randn(rows, positions)).requires_grad_()
        predicted = (values + 0.4 * torch.randn(rows, positions)).requires_grad_()
        policy_loss, value_loss, stats = space["loss"](
            stand_in, old, values * mask, torch.zeros(rows, positions, 2), predicted, policy, mask, advantages, returns)
        policy_loss.backward()
        value_loss.backward()
        case("ppo", {"mask": mask, "old": old, "reference": reference, "values": values, "scores": scores, "policy": policy,
                     "predicted": predicted},
             {"kl": kls * mask, "rewards": rewards * mask, "advantages": advantages * mask, "returns": returns * mask,
              "policy_loss": policy_loss, "value_loss": value_loss, "grad_policy": policy.grad,
              "grad_predicted": predicted.grad, "approx_kl_k2": stats["policy/approxkl"].item(),
              "clip_fraction": stats["policy/clipfrac"].item(), "value_clip_fraction": stats["val/clipfrac"].item(),
              "ratio": space["masked_mean"](stats["policy/ratio"], mask).item()},
             estimator={"kl": "k1", "abs": "abs", "mse": "k2"}[estimator], kl_coefficient=0.15, gamma=gamma, **{"lambda": lam},
             whiten_rewards=whiten, clip=clip, value_clip=value_clip)

    for start, target, horizon, answers, kls in [(0.2, 6.0, 10000.0, 64, [3.0, 6.5, 20.0, 0.0, 7.1]),
                                                 (0.05, 0.1, 500.0, 32, [0.09, 0.101, 5.0, -0.2])]:
        controller = space["AdaptiveKLController"](start, target, horizon)
        coefficients = []
        for kl in kls:
            controller.update(kl, answers)
            coefficients.append(float(controller.value))
        case("kl_controller", {"kl": torch.tensor(kls)}, {"coefficients": torch.tensor(coefficients)}, coefficient=start,
             target=target, horizon=horizon, answers=answers)


def grpo_cases():
    for kind, rows, positions, beta, low, high in [
            ("grpo", 4, 6, 0.0, 0.2, 0.2), ("bnpo", 6, 5, 0.04, 0.2, 0.28), ("dr_grpo", 4, 7, 0.1, 0.1, 0.3),
            ("grpo", 3, 8, 0.2, 0.2, 0.2)]:
        mask = prefix_mask(rows, positions)
        old, reference = -3 * torch.rand(rows, positions), -3 * torch.rand(rows, positions)
        policy = (old + 0.4 * torch.randn(rows, positions)).requires_grad_()
        advantages = torch.randn(rows)
        stand_in = trainer(
            _get_per_token_logps_and_entropies=lambda *_, **__: (policy, torch.zeros_like(old), None), top_entropy_quantile=1.0,
            off_policy_mask_threshold=None, importance_sampling_level="token", beta=beta, epsilon_low=low, epsilon_high=high,
            loss_type=kind, use_vllm=False, _entropy_bonus_enabled=False, max_completion_length=positions + 3,
            current_gradient_accumulation_steps=1,
            args=SimpleNamespace(use_bias_correction_kl=False, delta=None))
        inputs = {"prompt_ids": mask[:, :1], "prompt_mask": mask[:, :1], "completion_ids": mask, "completion_mask": mask,
                  "advantages": advantages, "old_per_token_logps": old, "ref_per_token_logps": reference}
        loss = GRPOTrainer._compute_loss(stand_in, MagicMock(), inputs)
        loss.backward()
        metrics = stand_in._metrics["train"]
        case("grpo", {"mask": mask, "old": old, "reference": reference, "policy": policy, "advantages": advantages},
             {"loss": loss, "grad": policy.grad, "clip_low": metrics["clip_ratio/low_mean"][0],
              "clip_high": metrics["clip_ratio/high_mean"][0], "kl": metrics["kl"][0] if beta else 0.0},
             kl_coefficient=beta, low=low, high=high, length=positions + 3,
             aggregation={"grpo": "sequence_mean", "bnpo": "token_mean", "dr_grpo": "constant_length"}[kind])

    for groups, size in [(3, 4), (2, 8), (5, 2)]:
        scores = torch.randn(groups, size) * 2 + 1
        centred = scores - scores.mean(1, keepdim=True)
        leave_one_out = scores - (scores.sum(1, keepdim=True) - scores) / (size - 1)
        case("group_advantages", {"scores": scores.flatten()},
             {"grpo": (centred / (nanstd(scores, dim=1, keepdim=True) + 1e-4)).flatten(), "dr_grpo": centred.flatten(),
              "rloo": leave_one_out.flatten()}, group_size=size)

    lengths = [1, 79, 80, 81, 90, 100, 120]
    punished = get_soft_overlong_punishment(100, 20)(completion_ids=[[0] * n for n in lengths])
    case("soft_overlong", {"lengths": torch.tensor(lengths)}, {"punishment": torch.tensor(punished)}, longest=100, cache=20)


def main():
    folder = sys.argv[1]
    reward_cases()
    dpo_cases()
    smoothed_dpo_cases(folder)
    kto_cases()
    ppo_cases(folder)
    grpo_cases()
    print('{"made_by": "make_reference.py", "trl": "1.16.0 and 0.11.4", "cases": [')
    print(",\n".join(json.dumps(entry) for entry in CASES))
    print("]}")


main()
