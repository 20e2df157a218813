"""Makes opt_reference.json: logits and a greedy continuation of a small OPT in transformers. Weights come from a formula that
the C++ test repeats, numbered in the order of NAMES, so that only the configuration, ids and results are stored.
Run: python make_opt_reference.py > opt_reference.json   (transformers 5.24, PyTorch 2.11, float32)"""
import json
import math

import torch
from transformers import OPTConfig, OPTForCausalLM

V, D, LAYERS, ROWS, LENGTH, NEW = 61, 24, 2, 2, 12, 12
BLOCK = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn_layer_norm", "self_attn.out_proj",
         "final_layer_norm", "fc1", "fc2"]
NAMES = ["model.decoder.embed_tokens.weight", "model.decoder.embed_positions.weight"]
NAMES += [f"model.decoder.layers.{layer}.{name}.{part}" for layer in range(LAYERS) for part in ("weight", "bias") for name in BLOCK]
NAMES += ["model.decoder.final_layer_norm.weight", "model.decoder.final_layer_norm.bias"]


def wave(number, shape, name):
    norm = "norm" in name and name.endswith("weight")
    i = torch.arange(math.prod(shape), dtype=torch.float64)
    scale, offset = (0.05, 1.0) if norm else (0.1, 0.0)
    # A second, slower wave: one frequency alone gives matrices of rank two.
    values = offset + scale * (torch.sin(0.37 * i + 1.3 * number) + torch.sin(0.0101 * i * i / (1 + number)))
    return values.to(torch.float32).reshape(shape)


def main():
    torch.set_num_threads(1)
    config = OPTConfig(vocab_size=V, hidden_size=D, ffn_dim=40, num_hidden_layers=LAYERS, num_attention_heads=4,
                       max_position_embeddings=32, word_embed_proj_dim=D, pad_token_id=1, bos_token_id=2, eos_token_id=2)
    model = OPTForCausalLM(config).eval()
    state = model.state_dict()
    assert set(NAMES) == set(state) - {"lm_head.weight"}, set(NAMES) ^ set(state)
    with torch.no_grad():
        for number, name in enumerate(NAMES):
            state[name].copy_(wave(number, tuple(state[name].shape), name))
        ids = (torch.arange(ROWS * LENGTH) * 17 % 53 + 3).reshape(ROWS, LENGTH)
        logits = model(ids).logits
        greedy = ids[:1]
        for _ in range(NEW):
            greedy = torch.cat([greedy, model(greedy).logits[:, -1:].argmax(-1)], 1)
    print(json.dumps({"config": json.loads(config.to_json_string()), "ids": ids.tolist(),
                      "logits": [[[round(x, 6) for x in row] for row in rows[::5]] for rows in logits.tolist()],
                      "greedy": greedy[0, LENGTH:].tolist()}))


main()
