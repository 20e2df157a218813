"""Makes llama_reference.json: logits and greedy continuations of small Llama, Qwen2, Gemma and GPT-2 models in transformers.

Weights come from a formula that the C++ test repeats by parameter number, in the order of PARAMETERS below; so only config,
ids and results are stored. Run: python make_reference.py > llama_reference.json   (transformers 5.24, PyTorch 2.11, float32)
"""
import json
import math

import torch
from transformers import (GemmaConfig, GemmaForCausalLM, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM,
                          Qwen2Config, Qwen2ForCausalLM)

V, ROWS, LENGTH, NEW = 61, 2, 12, 16


def wave(number, shape, name):
    norm = ("norm" in name or "ln_" in name) and name.endswith("weight")
    count = math.prod(shape)
    i = torch.arange(count, dtype=torch.float64)
    scale, offset = (0.05, 1.0) if norm else (0.1, 0.0)
    # A second, slower wave: one frequency alone gives matrices of rank two.
    values = offset + scale * (torch.sin(0.37 * i + 1.3 * number) + torch.sin(0.0101 * i * i / (1 + number)))
    return values.to(torch.float32).reshape(shape)


def llama_names(layers, qkv_bias, out_bias, tied):
    names = ["model.embed_tokens.weight"]
    for layer in range(layers):
        p = f"model.layers.{layer}."
        names.append(p + "input_layernorm.weight")
        for part in "qkv":
            names.append(p + f"self_attn.{part}_proj.weight")
            if qkv_bias:
                names.append(p + f"self_attn.{part}_proj.bias")
        names.append(p + "self_attn.o_proj.weight")
        if out_bias:
            names.append(p + "self_attn.o_proj.bias")
        names += [p + "post_attention_layernorm.weight", p + "mlp.gate_proj.weight", p + "mlp.up_proj.weight",
                  p + "mlp.down_proj.weight"]
    names.append("model.norm.weight")
    if not tied:
        names.append("lm_head.weight")
    return names


def gpt_names(layers):
    names = ["transformer.wte.weight", "transformer.wpe.weight"]
    for layer in range(layers):
        for part in ("ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj"):
            names += [f"transformer.h.{layer}.{part}.weight", f"transformer.h.{layer}.{part}.bias"]
    return names + ["transformer.ln_f.weight", "transformer.ln_f.bias"]


def fill(model, names, transposed=()):
    state = model.state_dict()
    with torch.no_grad():
        for number, name in enumerate(names):
            tensor = state[name]
            turned = any(part in name and name.endswith("weight") for part in transposed)
            shape = tuple(reversed(tensor.shape)) if turned else tuple(tensor.shape)
            values = wave(number, shape, name)
            tensor.copy_(values.T if turned else values)


def case(name, model, names, transposed=()):
    model.eval()
    fill(model, names, transposed)
    i = torch.arange(ROWS * LENGTH, dtype=torch.int64)
    ids = ((i * 31 + i * i * 7 + 5) % V).reshape(ROWS, LENGTH)
    with torch.no_grad():
        logits = model(ids).logits
        greedy = []
        for row in ids:
            now = row[None]
            for _ in range(NEW):
                now = torch.cat([now, model(now).logits[:, -1].argmax(-1, keepdim=True)], 1)
            greedy.append(now[0, LENGTH:].tolist())
    config = json.loads(model.config.to_json_string(use_diff=False))
    keep = {k: v for k, v in config.items() if v is not None and not isinstance(v, (list,)) and not k.startswith("_")}
    return {"name": name, "config": keep, "ids": ids.tolist(), "greedy": greedy,
            "logits": [[[float(f"{x:.7g}") for x in t] for t in row] for row in logits.tolist()]}


def main():
    torch.manual_seed(0)
    common = dict(vocab_size=V, hidden_size=48, intermediate_size=80, num_hidden_layers=2, num_attention_heads=6,
                  max_position_embeddings=64, pad_token_id=None, bos_token_id=1, eos_token_id=2)
    cases = [
        case("llama_grouped_untied_llama3_biased",
             LlamaForCausalLM(LlamaConfig(num_key_value_heads=2, tie_word_embeddings=False, attention_bias=True,
                                          rope_parameters={"rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0,
                                                           "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                                                           "original_max_position_embeddings": 16}, **common)),
             llama_names(2, True, True, False)),
        case("llama_tied_wide_heads_linear",
             LlamaForCausalLM(LlamaConfig(num_key_value_heads=6, head_dim=16, tie_word_embeddings=True,
                                          rope_parameters={"rope_type": "linear", "rope_theta": 500.0, "factor": 2.0},
                                          **common)),
             llama_names(2, False, False, True)),
        case("qwen2_grouped_tied",
             Qwen2ForCausalLM(Qwen2Config(num_key_value_heads=3, tie_word_embeddings=True, **common)),
             llama_names(2, True, False, True)),
        case("gemma_grouped_tied",
             GemmaForCausalLM(GemmaConfig(num_key_value_heads=2, head_dim=16, tie_word_embeddings=True, **common)),
             llama_names(2, False, False, True)),
        case("gpt2",
             GPT2LMHeadModel(GPT2Config(vocab_size=V, n_positions=64, n_embd=48, n_layer=2, n_head=4,
                                        bos_token_id=1, eos_token_id=2)),
             gpt_names(2), ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")),
    ]
    print(json.dumps(cases))


main()
