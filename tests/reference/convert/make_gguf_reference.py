"""Makes dequantise.json and sample.gguf with the `gguf` package (0.19, numpy), the reference for GGUF files.

dequantise.json: for every number format some random blocks (hex) and the float32 values that gguf.quants makes of them (hex of
their bits). Scales are finite; every other bit is random. sample.gguf: a file with every type of metadata value and of tensor;
its values are stated in tests/unit/convert/test_gguf.cpp.
Run: python make_gguf_reference.py        (writes beside itself)
"""
import json
import pathlib

import gguf
import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
# Where the half-precision scales of a block stand, so that they can be kept finite.
HALVES = {"F16": [0], "BF16": [0], "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q4_K": [0, 2],
          "Q5_K": [0, 2], "Q6_K": [208]}


def blocks_of(name, rng):
    kind = gguf.GGMLQuantizationType[name]
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    count = 64 if elements == 1 else (4 if elements == 32 else 2)
    if name == "F32":
        return kind, rng.standard_normal(count).astype(np.float32).view(np.uint8).reshape(count, size)
    data = rng.integers(0, 256, (count, size), dtype=np.uint8)
    for at in HALVES[name]:
        scales = (rng.standard_normal(count) * 0.01).astype(np.float32)
        halves = (scales.view(np.uint32) >> 16).astype(np.uint16) if name == "BF16" else scales.astype(np.float16).view(np.uint16)
        data[:, at:at + 2] = halves.view(np.uint8).reshape(count, 2)
    return kind, data


def make_dequantise():
    rng = np.random.default_rng(11)
    result = {}
    for name in ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K"]:
        kind, data = blocks_of(name, rng)
        values = gguf.quants.dequantize(data, kind).astype(np.float32)
        result[name] = {"type": int(kind), "blocks": len(data), "data": data.tobytes().hex(), "values": values.tobytes().hex()}
    (HERE / "dequantise.json").write_text(json.dumps(result, indent=0) + "\n")


def make_sample():
    writer = gguf.GGUFWriter(HERE / "sample.gguf", "sample")
    writer.add_uint8("t.uint8", 200)
    writer.add_int8("t.int8", -100)
    writer.add_uint16("t.uint16", 60000)
    writer.add_int16("t.int16", -30000)
    writer.add_uint32("t.uint32", 4000000000)
    writer.add_int32("t.int32", -2000000000)
    writer.add_uint64("t.uint64", 2**63 + 5)
    writer.add_int64("t.int64", -(2**62))
    writer.add_float32("t.float32", 1e-5)
    writer.add_float64("t.float64", 0.1)
    writer.add_bool("t.bool", True)
    writer.add_string("t.string", "näh 안")
    writer.add_array("t.texts", ["a", "", "bc"])
    writer.add_array("t.numbers", [1, -2, 3])
    writer.add_array("t.floats", [0.5, -1.25])
    rng = np.random.default_rng(12)
    writer.add_tensor("plain", np.arange(6, dtype=np.float32).reshape(2, 3))
    writer.add_tensor("half", np.arange(4, dtype=np.float16))
    values = rng.standard_normal((3, 64)).astype(np.float32)
    for name in ["Q4_1", "Q8_0"]:
        kind = gguf.GGMLQuantizationType[name]
        writer.add_tensor(name.lower(), gguf.quants.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


make_dequantise()
make_sample()
