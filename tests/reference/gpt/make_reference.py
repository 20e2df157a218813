"""Makes gpt_reference.json: logits, gradients and ten training losses of a small GPT-2 style model in Python PyTorch.

Weights and batches come from formulas that the C++ test repeats (wave() and batch_ids()), so nothing but results is stored.
Run: python make_reference.py > gpt_reference.json     (PyTorch 2.11, one thread, float32)
"""
import json
import math

import torch
import torch.nn.functional as F

V, P, D, L, H, B, T = 97, 32, 24, 2, 4, 3, 16
LAYOUT = []  # (name, shape, scale), in the order in which the C++ side numbers the parameters


def wave(number, shape, scale, offset):
    count = math.prod(shape)
    i = torch.arange(count, dtype=torch.float64)
    return (offset + scale * torch.sin(0.37 * i + 1.3 * number)).to(torch.float32).reshape(shape)


def make_parameters():
    shapes = [("wte", (V, D)), ("wpe", (P, D))]
    for layer in range(L):
        shapes += [(f"{layer}.ln_1.w", (D,)), (f"{layer}.ln_1.b", (D,)),
                   (f"{layer}.qkv.w", (3 * D, D)), (f"{layer}.qkv.b", (3 * D,)),
                   (f"{layer}.out.w", (D, D)), (f"{layer}.out.b", (D,)),
                   (f"{layer}.ln_2.w", (D,)), (f"{layer}.ln_2.b", (D,)),
                   (f"{layer}.up.w", (4 * D, D)), (f"{layer}.up.b", (4 * D,)),
                   (f"{layer}.down.w", (D, 4 * D)), (f"{layer}.down.b", (D,))]
    shapes += [("ln_f.w", (D,)), ("ln_f.b", (D,))]
    parameters = {}
    for number, (name, shape) in enumerate(shapes):
        norm_weight = name.endswith("w") and "ln_" in name
        values = wave(number, shape, 0.1 if not norm_weight else 0.05, 1.0 if norm_weight else 0.0)
        parameters[name] = values.requires_grad_()
    return parameters


def batch_ids(step):
    i = torch.arange(B * (T + 1), dtype=torch.int64)
    return ((i * 31 + i * i * 7 + step * 1009) % V).reshape(B, T + 1)


def forward(p, ids):
    x = p["wte"][ids] + p["wpe"][: ids.shape[1]]
    for layer in range(L):
        q = lambda name: p[f"{layer}.{name}"]
        h = F.layer_norm(x, (D,), q("ln_1.w"), q("ln_1.b"), 1e-5)
        heads = [t.unflatten(-1, (H, -1)).transpose(1, 2) for t in F.linear(h, q("qkv.w"), q("qkv.b")).chunk(3, -1)]
        scores = heads[0] @ heads[1].transpose(-1, -2) / math.sqrt(D / H)
        mask = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool).tril()
        y = (scores.masked_fill(~mask, -math.inf).softmax(-1) @ heads[2]).transpose(1, 2).flatten(2)
        x = x + F.linear(y, q("out.w"), q("out.b"))
        h = F.layer_norm(x, (D,), q("ln_2.w"), q("ln_2.b"), 1e-5)
        x = x + F.linear(F.gelu(F.linear(h, q("up.w"), q("up.b")), approximate="tanh"), q("down.w"), q("down.b"))
    return F.layer_norm(x, (D,), p["ln_f.w"], p["ln_f.b"], 1e-5) @ p["wte"].T


def loss_of(p, step):
    ids = batch_ids(step)
    return F.cross_entropy(forward(p, ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())


def main():
    torch.set_num_threads(1)
    p = make_parameters()
    ids = batch_ids(0)
    result = {"logits_row0_last": forward(p, ids[:, :-1])[0, -1].tolist()}
    loss_of(p, 0).backward()
    result["grad_norms"] = {name: t.grad.norm().item() for name, t in p.items()}
    for t in p.values():
        t.grad = None
    matrices = [t for t in p.values() if t.dim() == 2]
    vectors = [t for t in p.values() if t.dim() == 1]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}],
                                  lr=0.0, betas=(0.9, 0.95), eps=1e-8)
    peak, low, warmup, total = 3e-3, 3e-4, 3, 10
    result["losses"], result["learning_rates"] = [], []
    for step in range(total):
        if step < warmup:
            lr = peak * (step + 1) / warmup
        else:
            lr = low + 0.5 * (peak - low) * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))
        for group in optimizer.param_groups:
            group["lr"] = lr
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(p, step)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(p.values()), 1.0)
        optimizer.step()
        result["losses"].append(loss.item())
        result["learning_rates"].append(lr)
    print(json.dumps(result, indent=1))


main()
