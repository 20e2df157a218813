"""The Python side of bench_train: the same GPT-2 style model in eager PyTorch, fused AdamW, the same sizes and threads.

Usage: python bench_train.py D_MODEL LAYERS HEADS STEPS [VOCAB BATCH CONTEXT [DEVICE PRECISION]]
"""
import json
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        q, k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in self.qkv(self.ln_1(x)).chunk(3, -1))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).flatten(2))
        return x + self.down(F.gelu(self.up(self.ln_2(x)), approximate="tanh"))


class Gpt(nn.Module):
    def __init__(self, vocab, context, width, layers, heads):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(vocab, width), nn.Embedding(context, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.ln_f = nn.LayerNorm(width)
        for p in self.parameters():
            if p.dim() == 2:
                nn.init.normal_(p, std=0.02)

    def forward(self, ids):
        x = self.wte(ids) + self.wpe(torch.arange(ids.shape[1], device=ids.device))
        for block in self.blocks:
            x = block(x)
        return F.linear(self.ln_f(x), self.wte.weight)


def main():
    args = [int(a) for a in sys.argv[1:8]]
    device, precision = (sys.argv[8:] + ["cpu", "float32"][len(sys.argv[8:]):])[:2]
    width, layers, heads, steps = args[:4]
    vocab, batch, context = (args[4:] + [8192, 8, 256][len(args) - 4:])[:3]
    torch.set_num_threads(2)
    torch.manual_seed(1)
    model = Gpt(vocab, context, width, layers, heads).to(device)
    decayed = [p for p in model.parameters() if p.dim() == 2]
    plain = [p for p in model.parameters() if p.dim() < 2]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.1}, {"params": plain, "weight_decay": 0.0}],
                                  lr=3e-4, betas=(0.9, 0.95), fused=True)
    start = None
    for step in range(steps + 3):
        if step == 3:
            start = time.perf_counter()
        ids, labels = torch.randint(vocab, (2, batch, context)).to(device)
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device, torch.bfloat16, enabled=precision == "bfloat16"):
            loss = F.cross_entropy(model(ids).flatten(0, 1).float(), labels.flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        loss.item()
    seconds = time.perf_counter() - start
    print(json.dumps({"side": "pytorch", "parameters": sum(p.numel() for p in model.parameters()),
                      "tokens_per_second": round(steps * batch * context / seconds, 1),
                      "step_seconds": round(seconds / steps, 4)}))


main()
