#!/usr/bin/env python3
"""Writes a Hugging Face folder of layers of the 7B's shape, random weights in bf16; vocabulary and image
tokenizer are those of a small folder. usage: gpu_import.py SMALL-FOLDER OUT-FOLDER [LAYERS]"""
import json
import os
import shutil
import struct
import sys

HIDDEN, BETWEEN, HEADS, VOCABULARY = 4096, 11008, 32, 1792

small, out, layers = sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 10
os.makedirs(out, exist_ok=True)
for name in os.listdir(small):
    if not name.endswith('.safetensors'):
        shutil.copy(os.path.join(small, name), out)
with open(os.path.join(small, 'config.json')) as file:
    config = json.load(file)
config.update(hidden_size=HIDDEN, intermediate_size=BETWEEN, num_hidden_layers=layers,
              num_attention_heads=HEADS, num_key_value_heads=HEADS)
with open(os.path.join(out, 'config.json'), 'w') as file:
    json.dump(config, file)

with open(os.path.join(small, 'model.safetensors'), 'rb') as file:
    size, = struct.unpack('<Q', file.read(8))
    header = json.loads(file.read(size))
shapes = {}
for name, tensor in header.items():
    if name == '__metadata__' or '.layers.' in name and '.layers.0.' not in name:
        continue
    last = name.split('.')[-2]
    shape = {
        'embed_tokens': [VOCABULARY, HIDDEN], 'lm_head': [VOCABULARY, HIDDEN],
        'gate_proj': [BETWEEN, HIDDEN], 'up_proj': [BETWEEN, HIDDEN], 'down_proj': [HIDDEN, BETWEEN],
        'q_proj': [HIDDEN, HIDDEN], 'k_proj': [HIDDEN, HIDDEN], 'v_proj': [HIDDEN, HIDDEN], 'o_proj': [HIDDEN, HIDDEN],
    }.get(last, [HIDDEN])
    if last in ('q_norm', 'k_norm'):
        shape = tensor['shape'][:-1] + [HIDDEN // HEADS]
    for layer in range(layers if '.layers.0.' in name else 1):
        shapes[name.replace('.layers.0.', f'.layers.{layer}.')] = shape
# bf16 between 2^-7 and 2^-6, of either sign: the high byte's sign is random, the low byte's fraction is.
block = bytearray(os.urandom(1 << 24))
block[1::2] = bytes(0x3C | (byte & 0x80) for byte in block[1::2])
entries, at = {}, 0
for name, shape in shapes.items():
    count = 2
    for side in shape:
        count *= side
    entries[name] = {'dtype': 'BF16', 'shape': shape, 'data_offsets': [at, at + count]}
    at += count
head = json.dumps(entries).encode()
head += b' ' * (-len(head) % 8)
with open(os.path.join(out, 'model.safetensors'), 'wb') as file:
    file.write(struct.pack('<Q', len(head)) + head)
    while at:
        file.write(block[:min(at, len(block))])
        at -= min(at, len(block))
print(f'{sum(e["data_offsets"][1] - e["data_offsets"][0] for e in entries.values()) / 2e9:.2f} billion weights')
