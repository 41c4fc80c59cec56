"""Reads the program's own model file (src/model/gguf.rs): texts, and tensors in f32.

Both networks of a model can be had from it: the decoder as it was rounded, the image tokenizer under `movq.`.
"""
import math
import struct
from pathlib import Path

import torch

ALIGNMENT = 32
TEXT = 8
# Numbers of the format: (type, values of a block, its bytes).
TYPES = {0: (torch.float32, 1, 4), 1: (torch.float16, 1, 2), 30: (torch.bfloat16, 1, 2), 8: ("q8_0", 32, 34)}


class _Bytes:
    def __init__(self, data):
        self.data, self.at = data, 0

    def numbers(self, kinds):
        found = struct.unpack_from("<" + kinds, self.data, self.at)
        self.at += struct.calcsize("<" + kinds)
        return found

    def text(self):
        (length,) = self.numbers("Q")
        self.at += length
        return self.data[self.at - length : self.at].decode()


def _values(data, at, shape, number):
    kind, block, size = TYPES[number]
    raw = data[at : at + math.prod(shape) // block * size]
    if kind != "q8_0":
        return torch.frombuffer(raw, dtype=kind).float().reshape(shape)
    # A block is its scale and 32 whole numbers.
    blocks = torch.frombuffer(raw, dtype=torch.uint8).view(-1, size)
    scale = blocks[:, :2].contiguous().view(torch.float16).float()
    return (scale * blocks[:, 2:].contiguous().view(torch.int8).float()).reshape(shape)


def read(path):
    """(texts by key, tensors by name)."""
    file = _Bytes(bytearray(Path(path).read_bytes()))
    magic, _, tensors, keys = file.numbers("4sIQQ")
    if magic != b"GGUF":
        raise ValueError(f"{path} is no GGUF")
    texts, listed = {}, []
    for _ in range(keys):
        key, (kind,) = file.text(), file.numbers("I")
        if kind != TEXT:
            raise ValueError(f"{path}: {key} is no text, so the program did not write it")
        texts[key] = file.text()
    for _ in range(tensors):
        name, (sides,) = file.text(), file.numbers("I")
        shape = file.numbers(f"{sides}Q")[::-1]
        listed.append((name, shape, *file.numbers("IQ")))
    first = -(-file.at // ALIGNMENT) * ALIGNMENT
    return texts, {name: _values(file.data, first + offset, shape, number) for name, shape, number, offset in listed}
