"""Makes events_reference.json: what TensorBoard's own writer puts into an event file, byte for byte, for tests/unit/dump.

Run: python make_reference.py > events_reference.json      (tensorboard)
"""
import io
import json

import tensorboard
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter


class Kept(io.BytesIO):
    def close(self):
        pass


def framed(content):
    file = Kept()
    writer = RecordWriter(file)
    writer.write(content)
    writer.flush()
    return file.getvalue().hex()


scalars = []
for wall_time, step, tag, value in [(1.7e9, 1, "loss", 2.5), (1.7e9 + 0.25, 300, "perplexity/bits_per_byte", -0.1),
                                    (1.7e9, 2**40, "größe", float("inf")), (1.7e9, 7, "x" * 200, 1e-30)]:
    event = Event(wall_time=wall_time, step=step, summary=Summary(value=[Summary.Value(tag=tag, simple_value=value)]))
    scalars.append({"wall_time": wall_time, "step": step, "tag": tag, "value": str(value),
                    "record": framed(event.SerializeToString())})
print(json.dumps({"tensorboard": tensorboard.__version__,
                  "version": framed(Event(wall_time=1.7e9, file_version="brain.Event:2").SerializeToString()),
                  "empty": framed(b""), "scalars": scalars}, indent=1))
