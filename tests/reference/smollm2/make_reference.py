"""Makes smollm2_reference.json: logits and greedy continuations of the real SmolLM2-135M-Instruct in transformers.

The weights are those of the Q4_1 GGUF file that scripts/setup.sh puts under .deps/models, dequantised by transformers
itself. Run: python make_reference.py FILE.gguf > smollm2_reference.json   (transformers 5.24, PyTorch 2.11, gguf, float32)
"""
import json
import pathlib
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

path = pathlib.Path(sys.argv[1])
model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32).eval()
tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
conversations = [
    [{"role": "user", "content": "What is the capital of France?"}],
    [{"role": "system", "content": "You answer in one sentence."}, {"role": "user", "content": "Why is the sky blue?"}],
    [{"role": "user", "content": "Write a Python function that adds two numbers.\n\nThen explain 왜 it works 🙂."},
     {"role": "assistant", "content": "def add(a, b):\n    return a + b"}, {"role": "user", "content": "Thanks!  Shorter?"}],
]
cases = []
for messages in conversations:
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    ids = tokenizer(text, add_special_tokens=False).input_ids
    now = torch.tensor([ids])
    with torch.no_grad():
        logits = model(now).logits[0]
        done = model.generate(now, attention_mask=torch.ones_like(now), max_new_tokens=64, min_new_tokens=64, do_sample=False,
                              eos_token_id=None, pad_token_id=0)[0, len(ids):].tolist()
    shown = list(range(0, 49152, 1511))
    cases.append({"messages": messages, "text": text, "ids": ids, "greedy": done, "answer": tokenizer.decode(done),
                  "shown": shown, "logits": [[round(float(logits[p, v]), 6) for v in shown] for p in (0, len(ids) // 2, len(ids) - 1)],
                  "positions": [0, len(ids) // 2, len(ids) - 1]})
print(json.dumps(cases, ensure_ascii=False, indent=0))
