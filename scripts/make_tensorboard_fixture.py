"""Writes test/fixtures/tensorboard.json: events as TensorBoard's own protobufs and record writer make them.

    python scripts/make_tensorboard_fixture.py          (needs the package tensorboard)
"""
import io
import json
import math
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

PNG = bytes(range(256)) * 2  # only its length and bytes matter here


def image():
    return Summary.Image(height=300, width=5, colorspace=3, encoded_image_string=PNG)


def scalars(values):
    return Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()])


EVENTS = {
    "version": Event(wall_time=1764000000.25, file_version="brain.Event:2"),
    "start": Event(wall_time=1.5, step=301, session_log=SessionLog(status=SessionLog.START)),
    "startAtZero": Event(wall_time=1.5, session_log=SessionLog(status=SessionLog.START)),
    "scalars": Event(wall_time=2.5, step=7, summary=scalars({"step/loss": 0.1, "step/learning_rate": 0.0})),
    "notFinite": Event(wall_time=2.5, step=2**40, summary=scalars({"größe": math.inf})),
    "image": Event(wall_time=3, step=128, summary=Summary(value=[Summary.Value(tag="validation/a", image=image())])),
}


def record(event):
    file = io.BytesIO()
    RecordWriter(file).write(event.SerializeToString(deterministic=True))
    return file.getvalue().hex()


if __name__ == "__main__":
    target = Path(__file__).parent.parent / "test/fixtures/tensorboard.json"
    target.write_text(json.dumps({name: record(event) for name, event in EVENTS.items()}, indent=1) + "\n")
