#!/usr/bin/env python3
"""Writes a GGUF of the 7B's size that the program loads: layers of the 7B's shape with random weights in
Q4_K, everything else (tokenizer, card, image tokenizer) out of the starter's file, which is built into the
program. usage: gpu_file.py PROGRAM|STARTER.gguf OUT.gguf [LAYERS]"""
import json
import os
import struct
import sys

HIDDEN, BETWEEN, HEADS = 4096, 11008, 32
F32, Q8_0, Q4_K = 0, 8, 12
BLOCK = {F32: (1, 4), 1: (1, 2), Q8_0: (32, 34), Q4_K: (256, 144)}
SCALARS = {0: 'B', 1: 'b', 2: 'H', 3: 'h', 4: 'I', 5: 'i', 6: 'f', 7: '?', 10: 'Q', 11: 'q', 12: 'd'}


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, kind):
        value, = struct.unpack_from('<' + kind, self.data, self.at)
        self.at += struct.calcsize('<' + kind)
        return value

    def text(self):
        size = self.take('Q')
        self.at += size
        return self.data[self.at - size:self.at]


def size_of(shape, kind):
    count = 1
    for side in shape:
        count *= side
    each, bytes_ = BLOCK[kind]
    return count // each * bytes_


def main():
    starter = open(sys.argv[1], 'rb').read()
    starter = starter[starter.index(b'GGUF\x03\x00\x00\x00'):]
    layers = int(sys.argv[3]) if len(sys.argv) > 3 else 32
    reader = Reader(starter)
    assert reader.take('I') == 0x46554747
    reader.take('I')
    tensors, entries = reader.take('Q'), reader.take('Q')
    metadata = {}
    for _ in range(entries):
        name, kind = reader.text(), reader.take('I')
        metadata[name] = reader.text() if kind == 8 else (kind, reader.take(SCALARS[kind]))
    listed = []
    for _ in range(tensors):
        name = reader.text().decode()
        shape = [reader.take('Q') for _ in range(reader.take('I'))]
        listed.append((name, shape, reader.take('I'), reader.take('Q')))
    data = (reader.at + 31) // 32 * 32
    config = json.loads(metadata[b'lumina.config'])
    config.update(hidden_size=HIDDEN, intermediate_size=BETWEEN, num_hidden_layers=layers, num_attention_heads=HEADS, num_key_value_heads=HEADS)
    metadata[b'lumina.config'] = json.dumps(config).encode()
    metadata[b'lumina.quant'] = b'q4_k'
    vocabulary = config['vocab_size']
    plan = [('model.embed_tokens.weight', [HIDDEN, vocabulary], Q8_0), ('lm_head.weight', [HIDDEN, vocabulary], Q4_K), ('model.norm.weight', [HIDDEN], F32)]
    for layer in range(layers):
        of = lambda part: f'model.layers.{layer}.{part}'
        plan += [(of(f'self_attn.{p}_proj.weight'), [HIDDEN, HIDDEN], Q4_K) for p in 'qkvo']
        plan += [(of(f'mlp.{p}_proj.weight'), [HIDDEN, BETWEEN], Q4_K) for p in ('gate', 'up')] + [(of('mlp.down_proj.weight'), [BETWEEN, HIDDEN], Q4_K)]
        plan += [(of(f'{p}_layernorm.weight'), [HIDDEN], F32) for p in ('input', 'post_attention')]
        plan += [(of(f'self_attn.{p}_norm.{q}'), [HIDDEN // HEADS, 1], F32) for p in 'qk' for q in ('weight', 'bias')]
    kept = [(name, shape, kind, offset) for name, shape, kind, offset in listed if name.startswith('movq.') or name == 'preview.weight']
    every = [(name, shape, kind, None) for name, shape, kind in plan] + kept
    with open(sys.argv[2], 'wb') as out:
        text = lambda value: struct.pack('<Q', len(value)) + value
        head = struct.pack('<IIQQ', 0x46554747, 3, len(every), len(metadata))
        for name, value in metadata.items():
            head += text(name) + (struct.pack('<I', 8) + text(value) if isinstance(value, bytes) else struct.pack('<I' + SCALARS[value[0]], *value))
        offset = 0
        for name, shape, kind, _ in every:
            head += text(name.encode()) + struct.pack(f'<I{len(shape)}QIQ', len(shape), *shape, kind, offset)
            offset += (size_of(shape, kind) + 31) // 32 * 32
        out.write(head + bytes(-len(head) % 32))
        # Scales of 0.002 in half precision, nibbles from a pool of random bytes.
        block = struct.pack('<HH', 0x1819, 0x1819)
        noise = os.urandom(1 << 20)
        pools = {Q4_K: b''.join(block + noise[i * 140:i * 140 + 140] for i in range(4096)), Q8_0: b''.join(struct.pack('<H', 0x1819) + noise[i * 32:i * 32 + 32] for i in range(16384))}
        for name, shape, kind, source in every:
            size = size_of(shape, kind)
            if source is not None:
                out.write(starter[data + source:data + source + size])
            elif kind == F32:
                out.write(struct.pack('<f', 0.0 if name.endswith('bias') else 1.0) * (size // 4))
            else:
                whole, rest = divmod(size, len(pools[kind]))
                for _ in range(whole):
                    out.write(pools[kind])
                out.write(pools[kind][:rest])
            out.write(bytes(-size % 32))
    print(f'{sys.argv[2]}: {os.path.getsize(sys.argv[2]) / 1e9:.2f} GB')


main()
