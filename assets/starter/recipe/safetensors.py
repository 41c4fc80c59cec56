"""The safetensors format, written and read with torch alone."""
import json
import struct
from pathlib import Path

import torch

NAMES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64", torch.uint8: "U8"}
TYPES = {name: kind for kind, name in NAMES.items()}


def write(path, tensors):
    header, at, parts = {"__metadata__": {"format": "pt"}}, 0, []
    for name, tensor in tensors.items():
        tensor = tensor.detach().cpu().contiguous()
        body = tensor.reshape(-1).view(torch.uint8).numpy().tobytes()
        header[name] = {"dtype": NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [at, at + len(body)]}
        at += len(body)
        parts.append(body)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for body in parts:
            file.write(body)


def read(path):
    data = bytearray(Path(path).read_bytes())
    (length,) = struct.unpack("<Q", data[:8])
    header, start, out = json.loads(data[8 : 8 + length]), 8 + length, {}
    for name, entry in header.items():
        if name != "__metadata__":
            first, last = entry["data_offsets"]
            flat = torch.frombuffer(data[start + first : start + last], dtype=torch.uint8)
            out[name] = flat.view(TYPES[entry["dtype"]]).reshape(entry["shape"])
    return out
