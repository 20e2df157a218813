"""A GPT-2 folder as it was before tokenizer.json, with vocab.json and merges.txt, through `temper import`: the ids are the
reference library's (tests/reference/hf_bpe), the model runs, and the export has a tokenizer.json. The weights are made up."""
import json
import pathlib
import struct
import tempfile

from tiny import temper

REFERENCE = pathlib.Path(__file__).resolve().parents[1] / "reference/hf_bpe"
WIDTH, LAYERS, POSITIONS = 16, 2, 32


def expect(good, what):
    if not good:
        raise SystemExit(f"FAILED: {what}")


def write_safetensors(path, shapes):
    header, data = {}, b""
    for number, (name, shape) in enumerate(shapes.items()):
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        values = [((i * 37 + number * 11) % 101 - 50) / 500 + (1 if "ln_" in name and name.endswith("weight") else 0)
                  for i in range(count)]
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + 4 * count]}
        data += struct.pack(f"<{count}f", *values)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def write_model(folder):
    document = json.loads((REFERENCE / "gpt2.tokenizer.json").read_text(encoding="utf-8"))
    vocab, merges = document["model"]["vocab"], document["model"]["merges"]
    lines = [merge if isinstance(merge, str) else " ".join(merge) for merge in merges]
    (folder / "vocab.json").write_text(json.dumps(vocab), encoding="utf-8")
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *lines]) + "\n", encoding="utf-8")
    (folder / "config.json").write_text(json.dumps({
        "model_type": "gpt2", "vocab_size": len(vocab), "n_positions": POSITIONS, "n_embd": WIDTH, "n_layer": LAYERS, "n_head": 2,
        "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "eos_token_id": vocab["<|endoftext|>"]}))
    shapes = {"wte.weight": [len(vocab), WIDTH], "wpe.weight": [POSITIONS, WIDTH], "ln_f.weight": [WIDTH], "ln_f.bias": [WIDTH]}
    for layer in range(LAYERS):
        for name, rows, columns in (("attn.c_attn", WIDTH, 3 * WIDTH), ("attn.c_proj", WIDTH, WIDTH),
                                    ("mlp.c_fc", WIDTH, 4 * WIDTH), ("mlp.c_proj", 4 * WIDTH, WIDTH)):
            shapes[f"h.{layer}.{name}.weight"], shapes[f"h.{layer}.{name}.bias"] = [rows, columns], [columns]
        for name in ("ln_1", "ln_2"):
            shapes[f"h.{layer}.{name}.weight"] = shapes[f"h.{layer}.{name}.bias"] = [WIDTH]
    write_safetensors(folder / "model.safetensors", shapes)
    return len(vocab)


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    (folder / "old").mkdir()
    size = write_model(folder / "old")
    told = temper("import", "old", "model", "--quiet", cwd=folder).stdout
    expect("architecture gpt" in told and f"vocabulary {size}" in told, told)
    expected = json.loads((REFERENCE / "expected.json").read_text(encoding="utf-8"))
    rows = [(line, ids) for line, ids in zip(expected["lines"], expected["ids"]["gpt2"]) if line and "\0" not in line]
    for line, ids in rows[:6]:
        shown = json.loads(temper("tokenize", "model", "--format", "json", "--", line, cwd=folder).stdout)
        expect(shown["ids"] == ids and shown["text"] == line, f"ids of {line!r}: {shown['ids']}")
    logits = json.loads(temper("logits", "model", "--ids", "1,2,3", "--format", "json", cwd=folder).stdout)["logits"]
    expect([len(row) for row in logits] == [size] * 3, "a row of logits for every token")
    temper("export", "model", "new", "--quiet", cwd=folder)
    document = json.loads((folder / "new/tokenizer.json").read_text(encoding="utf-8"))
    expect(document["pre_tokenizer"]["type"] == "ByteLevel" and len(document["model"]["vocab"]) == size, "the export's tokenizer.json")
    (folder / "old/merges.txt").unlink()
    refused = temper("import", "old", "other", "--quiet", cwd=folder, check=False)
    expect(refused.returncode == 3 and "vocab.json with merges.txt" in refused.stderr, refused.stderr)
print("vocab.json and merges.txt are imported as the tokenizer that they are")
