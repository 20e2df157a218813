#!/usr/bin/env python3
"""`temper dump`: CSV tables hold the whole record, number for number; TensorBoard's event files are framed and coded as they
should be, read here without TensorBoard, check sums included."""
import csv
import pathlib
import struct
import sys
import tempfile

import tiny

try:
    import h5py
except ImportError:
    print("SKIPPED: Python has no h5py; install python3-h5py")
    sys.exit(77)


def crc32c(data):
    """Bit by bit, as the definition has it: reflected polynomial 0x1EDC6F41."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records_of(data):
    while data:
        (length,), (check,) = struct.unpack("<Q", data[:8]), struct.unpack("<I", data[8:12])
        assert check == masked(data[:8])
        content, (check,) = data[12:12 + length], struct.unpack("<I", data[12 + length:16 + length])
        assert len(content) == length and check == masked(content)
        yield content
        data = data[16 + length:]


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 0x80:
            return value, at


def fields(data):
    """Of a protocol-buffer message: {number: value}."""
    found, at = {}, 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        else:
            size, at = {1: (8, at), 5: (4, at)}[kind] if kind != 2 else varint(data, at)
            value, at = data[at:at + size], at + size
        assert key >> 3 not in found, "a field is there twice"
        found[key >> 3] = value
    return found


def check_events(record, folder):
    with h5py.File(record, "r") as file:
        run = str(file.attrs["run_id"])
        for stage_name, stage in file["stages"].items():
            (path,) = (folder / run / stage_name).iterdir()
            assert path.name.startswith("events.out.tfevents.")
            first, *events = [fields(content) for content in records_of(path.read_bytes())]
            assert first[3] == b"brain.Event:2" and struct.unpack("<d", first[1])[0] > 1.7e9
            found = {}
            for event in events:
                value = fields(fields(event[5])[1])
                found.setdefault(value[1].decode(), []).append((event[2], struct.unpack("<f", value[2])[0]))
            expected = {name: [(int(row["step"]), float(row["value"])) for row in table] for name, table in stage["log"].items()}
            for evaluator, group in stage["evals"].items():
                for row in group["metrics"]:
                    expected[f"{evaluator}/{row['name'].decode()}"] = [(int(stage.attrs["steps"]), float(row["value"]))]
            assert found.keys() == expected.keys() and len(found) > 10, found.keys() ^ expected.keys()
            for name, points in expected.items():
                assert [step for step, _ in points] == [step for step, _ in found[name]], name
                for (_, a), (_, b) in zip(points, found[name]):
                    assert struct.pack("<f", a) == struct.pack("<f", b), (name, a, b)


def table(folder, name):
    with open(folder / f"{name}.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def text(value):
    return value.decode("utf-8", "replace").replace("\0", "\ufffd") if isinstance(value, bytes) else str(value)


def check_tables(record, folder):
    with h5py.File(record, "r") as file:
        run = str(file.attrs["run_id"])
        attributes = {row["attribute"]: row["value"] for row in table(folder, "runs") if row["run_id"] == run}
        assert attributes == {key: str(value) for key, value in file.attrs.items()}, attributes
        resolved = [(row["key"], row["value"], row["source"]) for row in table(folder, "config")]
        assert resolved == [(text(r["key"]), text(r["value"]), text(r["source"])) for r in file["config/resolved"]]
        assert len(table(folder, "plugins")) == len(file["plugins"]) and len(table(folder, "data")) == len(file["data"])
        logs, metrics, scores = table(folder, "logs"), table(folder, "metrics"), table(folder, "scores")
        examples = table(folder, "examples")
        for name, stage in file["stages"].items():
            for metric, rows in stage["log"].items():
                got = [(int(r["step"]), float(r["value"] or "nan")) for r in logs if (r["stage"], r["metric"]) == (name, metric)]
                assert repr(got) == repr([(int(r["step"]), float(r["value"])) for r in rows]), (name, metric)
            for evaluator, group in stage["evals"].items():
                mine = lambda rows: [row for row in rows if (row["stage"], row["evaluator"]) == (name, evaluator)]
                for row, expected in zip(mine(metrics), group["metrics"], strict=True):
                    assert row["metric"] == text(expected["name"])
                    assert repr(float(row["value"] or "nan")) == repr(float(expected["value"])), row
                for row, expected in zip(mine(examples), group["examples"], strict=True):
                    assert all(row[key] == text(expected[key]) for key in ("item_id", "prompt", "response", "reference")), row
                by_item = {(row["item_id"], row["score"]): row["value"] for row in mine(scores)}
                for expected in group["examples"]:
                    for score in expected.dtype.names[5:]:
                        if score == "cluster":
                            continue
                        value = by_item.pop((text(expected["item_id"]), score))
                        assert repr(float(value or "nan")) == repr(float(expected[score])), (score, value)
                assert not by_item
        assert [row["stage"] for row in table(folder, "stages")] == ["pretrain", "sft"]


def check_refusals(record, folder):
    for args, code, words in (((record,), 2, "output"),
                              ((record, "-o", folder / "csv"), 2, "not empty"),
                              ((record, "-o", folder / "new", "--format", "parquet"), 2, "csv or tensorboard"),
                              ((record, record, "-o", folder / "new", "--format", "tensorboard"), 3, "a second record of run"),
                              ((folder / "none.h5", "-o", folder / "new"), 3, "does not exist")):
        done = tiny.temper("dump", *args, check=False)
        assert done.returncode == code and words in done.stderr, (args, done.returncode, done.stderr)
    assert not (folder / "new").exists() and not list(folder.glob("new.tmp*"))


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        experiment = tiny.write_experiment(folder)
        experiment.write_text(experiment.read_text().replace("steps: 60", "steps: 8"))
        tiny.temper("run", experiment, "--out", folder / "out", "--quiet")
        record = tiny.only_record(folder / "out")
        tiny.temper("dump", record, "-o", folder / "csv")
        check_tables(record, folder / "csv")
        tiny.temper("dump", record.parent, "-o", folder / "events", "--format", "tensorboard")
        check_events(record, folder / "events")
        check_refusals(record, folder)
        print("tables and events hold what the record holds")


main()
