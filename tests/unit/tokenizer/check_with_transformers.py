"""Loads the tokenizer folders that test_sentinels.cpp wrote with AutoTokenizer, and fails where an id differs from ours."""
import json
import pathlib
import sys

from transformers import AutoTokenizer

folders = sorted(path for path in pathlib.Path(sys.argv[1]).iterdir() if path.is_dir())
assert len(folders) in (6, 8), folders
for folder in folders:
    cases = json.loads((folder / "cases.json").read_text(encoding="utf-8"))
    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    assert len(tokenizer) == cases["vocab_size"], (folder.name, len(tokenizer))
    assert tokenizer.eos_token_id == cases["eos"] and tokenizer.pad_token_id == cases["pad"]
    for text, ids in cases["texts"]:
        theirs = tokenizer(text, add_special_tokens=False).input_ids
        first = next((i for i, (a, b) in enumerate(zip(theirs, ids)) if a != b), min(len(theirs), len(ids)))
        assert theirs == ids, (folder.name, text[:40], len(theirs), len(ids), first, theirs[first:first + 9], ids[first:first + 9],
                               tokenizer.convert_ids_to_tokens(theirs[first:first + 9]),
                               tokenizer.convert_ids_to_tokens(ids[first:first + 9]))
        assert tokenizer.decode(theirs) == text, (folder.name, text[:40])
        framed = tokenizer(text).input_ids
        if cases["sentinels"]:
            assert framed == ids + [cases["eos"]], (folder.name, framed[-3:])
        else:
            assert framed == [cases["bos"]] + ids, (folder.name, framed[:3])
    for k, wanted in enumerate(cases["sentinels"]):
        assert tokenizer.convert_tokens_to_ids(f"<extra_id_{k}>") == wanted
    if cases["sentinels"]:
        assert tokenizer("<extra_id_0>", add_special_tokens=False).input_ids == cases["sentinels"][:1]
        assert tokenizer.decode(cases["sentinels"][:1], skip_special_tokens=True) == ""
