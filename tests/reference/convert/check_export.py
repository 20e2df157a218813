"""Checks import and export against transformers (5.x), the reference: every kind of small random model goes

    transformers save_pretrained -> temper import -> temper export -> transformers from_pretrained

and has to give the same logits again, bit for bit in float32, with the same tokens from its tokenizer; `temper logits` has to
give them as well (decoder-only models), to rounding. With a GGUF file as argument, `temper import` of it is held against
transformers' own reader of GGUF.
Run: python check_export.py TEMPER_PROGRAM [FILE.gguf]       (needs torch, transformers, tokenizers, sentencepiece, gguf)
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import sentencepiece
import tokenizers
import torch
import transformers
from safetensors.torch import load_file

TEXTS = ["The quick brown fox jumps over 12345 lazy dogs.", "A river, a stone; light!", "näh 안녕 café\n\n  two  spaces"] * 40
IDS = [5, 17, 3, 250, 9, 77, 12, 300, 41, 8]
temper = sys.argv[1]


def run(*args):
    done = subprocess.run([temper, *map(str, args)], text=True, capture_output=True)
    if done.returncode != 0:
        sys.exit(f"temper {' '.join(map(str, args))} ended with {done.returncode}: {done.stderr}")
    return done.stdout


QWEN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def save_bpe(folder, qwen):
    tokenizer = tokenizers.ByteLevelBPETokenizer()
    if qwen:  # AutoTokenizer cuts the texts of this model type by Qwen's rule, whatever the file says
        tokenizer.normalizer = tokenizers.normalizers.NFC()
        tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Sequence([
            tokenizers.pre_tokenizers.Split(tokenizers.Regex(QWEN), "isolated"),
            tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.train_from_iterator(TEXTS, vocab_size=400, special_tokens=["<|endoftext|>"], show_progress=False)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|endoftext|>"}))


def save_sentencepiece(folder, unigram):
    (folder / "corpus.txt").write_text("\n".join(TEXTS))
    extra = dict(pad_id=0, eos_id=1, unk_id=2, bos_id=-1) if unigram else {}
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "corpus.txt"), model_prefix=str(folder / "m"), model_type="unigram" if unigram else "bpe",
        vocab_size=100 if unigram else 380, byte_fallback=not unigram, hard_vocab_limit=False, minloglevel=2, **extra)
    (folder / "m.model").rename(folder / ("spiece.model" if unigram else "tokenizer.model"))
    for name in ["m.vocab", "corpus.txt"]:
        (folder / name).unlink()


LLAMA = dict(vocab_size=448, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=64, eos_token_id=0, bos_token_id=None)
T5 = dict(vocab_size=256, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_decoder_layers=3, num_heads=4)
CASES = {
    "gpt2": (transformers.GPT2Config(vocab_size=448, n_positions=64, n_embd=32, n_layer=2, n_head=4, eos_token_id=0), {}),
    "gpt2 gelu, base only": (transformers.GPT2Config(vocab_size=448, n_positions=64, n_embd=32, n_layer=2, n_head=4,
                                                     eos_token_id=0, activation_function="gelu"), {"base": True}),
    "opt": (transformers.OPTConfig(vocab_size=448, hidden_size=32, ffn_dim=48, num_hidden_layers=2, num_attention_heads=4,
                                   max_position_embeddings=64, word_embed_proj_dim=32, eos_token_id=0, bos_token_id=0,
                                   pad_token_id=1), {}),
    "opt, base only": (transformers.OPTConfig(vocab_size=448, hidden_size=32, ffn_dim=48, num_hidden_layers=2,
                                              num_attention_heads=4, max_position_embeddings=64, word_embed_proj_dim=32,
                                              eos_token_id=0, bos_token_id=0, pad_token_id=1), {"base": True}),
    "llama tied": (transformers.LlamaConfig(tie_word_embeddings=True, **LLAMA), {}),
    "llama untied, biases, llama3 rope": (
        transformers.LlamaConfig(tie_word_embeddings=False, attention_bias=True, head_dim=16, rope_parameters={
            "rope_type": "llama3", "rope_theta": 50000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 32}, **LLAMA), {}),
    "llama in 30 kB shards": (transformers.LlamaConfig(tie_word_embeddings=False, **LLAMA), {"shards": "30KB"}),
    "llama bfloat16": (transformers.LlamaConfig(tie_word_embeddings=False, **LLAMA), {"dtype": torch.bfloat16}),
    "llama with SentencePiece": (transformers.LlamaConfig(**{**LLAMA, "eos_token_id": 2}), {"sentencepiece": True}),
    "qwen2": (transformers.Qwen2Config(tie_word_embeddings=True, **LLAMA), {}),
    "mistral": (transformers.MistralConfig(sliding_window=None, **LLAMA), {}),
    "t5": (transformers.T5Config(feed_forward_proj="relu", **T5), {"sentencepiece": True}),
    "t5 gated, untied": (transformers.T5Config(feed_forward_proj="gated-gelu", tie_word_embeddings=False, **T5),
                         {"sentencepiece": True, "own_head": True}),
}


def logits_of(model, is_t5):
    ids = torch.tensor([[i % model.config.vocab_size for i in IDS]])
    with torch.no_grad():
        if is_t5:
            return model(input_ids=ids, decoder_input_ids=ids[:, :6]).logits[0]
        return model(input_ids=ids).logits[0]


def auto_class(is_t5):
    return transformers.AutoModelForSeq2SeqLM if is_t5 else transformers.AutoModelForCausalLM


def check(name, config, options, folder):
    is_t5 = config.model_type == "t5"
    torch.manual_seed(len(name))
    model = auto_class(is_t5).from_config(config).eval()
    if options.get("own_head"):  # this version of transformers ties every T5 it makes; those of version 1.1 are not
        model.lm_head.weight = torch.nn.Parameter(torch.randn_like(model.shared.weight))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    model = model.to(options.get("dtype", torch.float32))
    source, checkpoint, exported, again = (folder / part for part in ["source", "checkpoint", "exported", "again"])
    saved = model.base_model if options.get("base") else model
    saved.save_pretrained(source, max_shard_size=options.get("shards", "5GB"))
    if options.get("own_head"):
        written = json.loads((source / "config.json").read_text())
        (source / "config.json").write_text(json.dumps(written | {"tie_word_embeddings": False}))
    if options.get("sentencepiece"):
        save_sentencepiece(source, unigram=is_t5)
    else:
        save_bpe(source, config.model_type == "qwen2")
    run("import", source, checkpoint, "--quiet")
    run("export", checkpoint, exported, "--quiet", "--shard-size", options.get("shards", "5GB").replace("KB", "kB"))
    run("import", exported, again, "--quiet")
    same_bits = (checkpoint / "model.safetensors").read_bytes() == (again / "model.safetensors").read_bytes()
    # Read back, because a model made in bfloat16 keeps rotary angles of that precision.
    first = auto_class(is_t5).from_pretrained(source, dtype=torch.float32).eval()
    reference = logits_of(first, is_t5)
    back = auto_class(is_t5).from_pretrained(exported, dtype=torch.float32).eval()
    difference = (logits_of(back, is_t5) - reference).abs().max().item()
    line = f"{name:36} transformers -> temper -> transformers: max |difference| {difference:.1e}"
    good = same_bits and difference == 0
    if not is_t5:
        ids = ",".join(str(i % config.vocab_size) for i in IDS)
        own = torch.tensor(json.loads(run("logits", checkpoint, "--ids", ids, "--format", "json"))["logits"])
        own_difference = (own - reference).abs().max().item()
        line += f"; temper logits {own_difference:.1e} of {reference.abs().max().item():.1f}"
        good = good and own_difference < 2e-5
    tokenizer = transformers.AutoTokenizer.from_pretrained(exported)
    text = TEXTS[0]
    own_ids = json.loads(run("tokenize", checkpoint, text, "--format", "json"))["ids"]
    good_ids = tokenizer.encode(text, add_special_tokens=False) == own_ids
    print(f"{line}; re-import {'bit-equal' if same_bits else 'DIFFERS'}; tokens {'equal' if good_ids else 'DIFFER'}")
    return good and good_ids


def check_gguf(path, folder):
    path = pathlib.Path(path)
    checkpoint, exported = folder / "gguf", folder / "gguf-exported"
    run("import", path, checkpoint, "--quiet")
    run("export", checkpoint, exported, "--quiet")
    model = transformers.AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32).eval()
    theirs, ours = model.state_dict(), load_file(exported / "model.safetensors")
    unequal = [name for name in ours if not torch.equal(ours[name], theirs[name])]
    ids = [1, 4093, 198, 19556, 905, 17, 2, 198]
    with torch.no_grad():
        reference = model(input_ids=torch.tensor([ids])).logits[0]
    own = torch.tensor(json.loads(run("logits", checkpoint, "--ids", ",".join(map(str, ids)), "--format", "json"))["logits"])
    back = transformers.AutoTokenizer.from_pretrained(exported)
    theirs_tokenizer = transformers.AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    text = "Hello world, it's 2026!\n\n  näh 안녕"
    own_ids = json.loads(run("tokenize", checkpoint, text, "--format", "json"))["ids"]
    good_ids = own_ids == back.encode(text, add_special_tokens=False) == theirs_tokenizer.encode(text, add_special_tokens=False)
    difference = (own - reference).abs().max().item()
    print(f"{path.name}: {len(ours)} tensors, {len(unequal)} differ from transformers' own reading; temper logits "
          f"{difference:.1e} of {reference.abs().max().item():.1f}; tokens {'equal' if good_ids else 'DIFFER'}")
    return not unequal and difference < 1e-3 and good_ids


def main():
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    good = True
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, (config, options)) in enumerate(CASES.items()):
            part = pathlib.Path(folder) / str(number)
            part.mkdir()
            good = check(name, config, options, part) and good
        for path in sys.argv[2:]:
            good = check_gguf(path, pathlib.Path(folder)) and good
    sys.exit(0 if good else 1)


main()
