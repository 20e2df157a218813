"""Reads a record that test_h5py.cpp wrote, the way a researcher would, and fails where something is not as documented."""
import sys

import h5py

with h5py.File(sys.argv[1], "r") as f:
    assert f.attrs["experiment"] == "first_words" and f.attrs["seed"] == 18446744073709551615
    assert f.attrs["status"] == "complete" and f.attrs["finished"].endswith("Z") and f.attrs["schema_version"] == 1
    assert f["config/source"].asstr()[()] == "stages:\n  sft: {plugin: sft}  # größer\n"
    assert f["config/resolved"]["key"][0].decode() == "stages.sft.steps"
    assert f["plugins"].dtype.names == ("slot", "kind", "id", "version", "sha256", "abi_tag")
    assert f["data"].dtype.names == ("name", "path", "sha256", "documents", "bytes", "tokens")
    assert f["data"]["tokens"][0] == 250
    assert set(f["stages"]) == {"a%2Fb", "sft"} and f["stages/a%2Fb"].attrs["name"] == "a/b"
    assert list(f["stages/a%2Fb"].attrs["parents"]) == ["pretrain", "x"]
    assert list(f["stages/sft"].attrs["parents"]) == []
    assert f["stages/sft/notes"][0]["text"] == b"a note"
    loss = f["stages/sft/log/loss"]
    assert loss.shape == (3000,) and loss.maxshape == (None,) and loss.chunks and loss.compression == "gzip"
    assert loss["value"][2999] == 1500 and loss["step"][2999] == 3000
    assert loss.attrs["unit"] == "nats/token" and loss.attrs["higher_is_better"] == 0 and loss.attrs["doc"]
    metrics = f["stages/sft/evals/clean/metrics"]
    assert metrics.dtype.names[:7] == ("name", "value", "stderr", "ci_low", "ci_high", "n", "higher_is_better")
    assert metrics[0]["name"] == b"accuracy" and metrics[0]["higher_is_better"] == 1
    examples = f["stages/sft/evals/clean/examples"]
    assert examples.dtype.names == ("item_id", "prompt_sha", "prompt", "response", "reference", "accuracy", "length")
    assert examples.compression == "gzip" and examples.maxshape == (None,)
    assert [row["response"].decode() for row in examples] == ["größer", "", "x"]
    odd = f["stages/sft/evals/odd/examples"][:]
    assert [bytes(row["response"]) for row in odd] == [b"ab\0cd", b"ab\0", b"\xea\xb0", b""]
    assert [bytes(row["prompt"]) for row in odd] == [b"Say it."] * 4
    assert list(odd["accuracy"]) == [0, 1, 0, 1]
    # Every object can be read whole.
    f.visititems(lambda _, item: item[()] if isinstance(item, h5py.Dataset) else dict(item.attrs))

# Open for writing, as somebody who adds a comment would.
with h5py.File(sys.argv[1], "r+") as f:
    f.attrs["comment"] = "hello"
with h5py.File(sys.argv[1], "r") as f:
    assert f.attrs["comment"] == "hello"
print("ok")
