"""Makes NAME.tokenizer.json and expected.json: small byte-level BPE tokenizers in the four families' forms, trained by the
Rust library, and its ids for mixed lines. Run: python make_reference.py SHARED_DATA   (tokenizers 0.23)"""
import json
import pathlib
import random
import sys

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

import mixed_lines

LLAMA = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN = LLAMA.replace(r"\p{N}{1,3}", r"\p{N}")
plain = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)


def split(pattern):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"),
                                    pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


FAMILIES = {"gpt2": (plain, None),
            "smollm2": (pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), plain]), None),
            "llama3": (split(LLAMA), None), "qwen2": (split(QWEN), normalizers.NFC())}


def main(data):
    here = pathlib.Path(__file__).parent
    groups = mixed_lines.real_texts(data)
    rng = random.Random(7)
    sample = [rng.choice(group) for group in groups for _ in range(200)]
    lines = [mixed_lines.generated(rng) for _ in range(160)]
    expected = {"lines": lines, "ids": {}}
    for name, (pre, normalizer) in FAMILIES.items():
        tokenizer = Tokenizer(models.BPE(ignore_merges=name == "llama3"))
        tokenizer.pre_tokenizer, tokenizer.decoder = pre, decoders.ByteLevel()
        if normalizer:
            tokenizer.normalizer = normalizer
        tokenizer.train_from_iterator(sample, trainers.BpeTrainer(
            vocab_size=560, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False,
            special_tokens=[AddedToken(t, special=True) for t in ("<|endoftext|>", "<pad>")]))
        tokenizer.save(str(here / f"{name}.tokenizer.json"), pretty=False)
        # Ordinary characters only: temper never reads special tokens out of people's text.
        clean = Tokenizer.from_str(json.dumps({**json.loads(tokenizer.to_str()), "added_tokens": []}))
        expected["ids"][name] = [clean.encode(line, add_special_tokens=False).ids for line in lines]
    (here / "expected.json").write_text(json.dumps(expected))


if __name__ == "__main__":
    main(sys.argv[1])
