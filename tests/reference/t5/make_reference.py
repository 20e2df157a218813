"""Makes t5_v1_0.safetensors, t5_v1_1.safetensors and t5_reference.json: two tiny random T5 models of Hugging Face's
transformers, their logits for a batch with padded sources, and their greedy answers.

Run: python make_reference.py     (transformers 5.24, PyTorch 2.11, float32, one thread)
"""
import json

import torch
from safetensors.torch import save_file
from transformers import T5Config, T5ForConditionalGeneration
from transformers.models.t5.modeling_t5 import T5Attention

VOCABULARY, PAD, EOS = 40, 0, 1
FORMS = {
    "t5_v1_0": dict(feed_forward_proj="relu", tie_word_embeddings=True),
    "t5_v1_1": dict(feed_forward_proj="gated-gelu", tie_word_embeddings=False),
}


def make_model(form):
    config = T5Config(
        vocab_size=VOCABULARY, d_model=16, d_kv=6, num_heads=3, d_ff=24, num_layers=2, num_decoder_layers=3,
        relative_attention_num_buckets=16, relative_attention_max_distance=50, dropout_rate=0.1,
        decoder_start_token_id=PAD, pad_token_id=PAD, eos_token_id=EOS, **FORMS[form])
    torch.manual_seed(12)
    model = T5ForConditionalGeneration(config).eval()
    if not FORMS[form]["tie_word_embeddings"]:
        # This version ties the head of every T5 it makes; checkpoints of version 1.1 have one of their own.
        model.lm_head.weight = torch.nn.Parameter(torch.empty_like(model.shared.weight))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "layer_norm" in name:
                parameter.normal_(1.0, 0.1)
            else:
                parameter.normal_(0.0, 1.0 if "relative" in name else 0.15 if "shared" in name else 0.4)
    return model


def weights_of(model):
    return {name: tensor.detach().contiguous() for name, tensor in model.named_parameters()}


def answer(model, source, mask, steps=20):
    """Greedy tokens by full passes: generate() cannot have more decoder layers than encoder layers in this version."""
    ids = torch.full((source.shape[0], 1), PAD)
    for _ in range(steps):
        logits = model(input_ids=source, attention_mask=mask, decoder_input_ids=ids).logits
        ids = torch.cat([ids, logits[:, -1:].argmax(-1)], 1)
    return ids[:, 1:].tolist()


def main():
    torch.set_num_threads(1)
    result = {}
    i = torch.arange(2 * 70)
    source = ((i * 31 + i * i * 7 + 5) % (VOCABULARY - 2) + 2).reshape(2, 70)
    source[:, -1] = EOS
    mask = torch.ones_like(source)
    source[1, 9] = EOS
    source[1, 10:], mask[1, 10:] = PAD, 0
    j = torch.arange(2 * 60)
    target = ((j * 17 + j * j * 3 + 2) % (VOCABULARY - 2) + 2).reshape(2, 60)
    target[:, 0] = PAD
    for form in FORMS:
        model = make_model(form)
        save_file(weights_of(model), f"{form}.safetensors")
        with torch.no_grad():
            logits = model(input_ids=source, attention_mask=mask, decoder_input_ids=target).logits
            greedy = answer(model, source, mask)
        result[form] = {
            "config": json.loads(model.config.to_json_string(use_diff=False)) | {"tie_word_embeddings": FORMS[form]["tie_word_embeddings"]},
            "logits_first": logits[:, 0].tolist(), "logits_middle": logits[:, 7].tolist(),
            "logits_last": logits[:, -1].tolist(), "sum_of_squares": logits.double().square().sum().item(),
            "greedy": greedy,
        }
    result["source"], result["mask"], result["target"] = source.tolist(), mask.tolist(), target.tolist()
    differences = [0, 1, -1, 2, -2, 7, -7, 8, -8, 15, -15, 16, -16, 20, -20, 31, -32, 64, -64, 127, -127, 128, -128, 300, -300]
    result["differences"] = differences
    d = torch.tensor(differences)
    result["buckets_both_ways"] = T5Attention._relative_position_bucket(d, True, 32, 128).tolist()
    result["buckets_one_way"] = T5Attention._relative_position_bucket(d, False, 32, 128).tolist()
    with open("t5_reference.json", "w") as file:
        json.dump(result, file, indent=0)
        file.write("\n")


if __name__ == "__main__":
    main()
