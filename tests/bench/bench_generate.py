"""The Python side of bench_generate: transformers' generate with the same sizes, threads and prompts, and random weights or
those of a folder that `temper export` made.

Usage: python bench_generate.py BATCH NEW_TOKENS PROMPT_TOKENS [FOLDER]
"""
import json
import sys
import time

import torch
from transformers import LlamaConfig, LlamaForCausalLM

batch, count, length = (int(a) for a in sys.argv[1:4])
torch.set_num_threads(2)
torch.manual_seed(1)
if len(sys.argv) > 4:
    model = LlamaForCausalLM.from_pretrained(sys.argv[4], dtype=torch.float32).eval()
else:
    model = LlamaForCausalLM(LlamaConfig(
        vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
        num_key_value_heads=3, max_position_embeddings=8192, rope_parameters={"rope_type": "default", "rope_theta": 100000.0},
        tie_word_embeddings=True, bos_token_id=None, eos_token_id=None, pad_token_id=0)).eval()
ids = torch.tensor([[(t * 7919 + b * 101) % 49152 for t in range(length)] for b in range(batch)])
with torch.inference_mode():
    def run(new):
        start = time.perf_counter()
        model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=new, min_new_tokens=new, do_sample=False)
        return time.perf_counter() - start
    run(4)
    prefill = run(1)
    seconds = run(count + 1) - prefill
print(json.dumps({"side": "transformers", "batch": batch, "tokens_per_second": round(batch * count / seconds, 1),
                  "prefill_seconds": round(prefill, 4)}))
