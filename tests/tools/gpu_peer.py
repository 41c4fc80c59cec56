#!/usr/bin/env python3
"""Times one speculative forward of the 7B's shape in PyTorch, as the public recipe runs it: both guidance
branches as a batch of two, 16 tokens each, bf16, scaled_dot_product_attention, a cache that grows by
concatenation; with random weights. usage: gpu_peer.py [CONTEXT...]"""
import math
import sys

import torch
import torch.nn.functional as F

HIDDEN, BETWEEN, HEADS, DIM, LAYERS, VOCABULARY, ROWS = 4096, 11008, 32, 128, 32, 171385, 16
DEVICE = 'cuda'
torch.set_grad_enabled(False)
torch.set_default_dtype(torch.bfloat16)


class RmsNorm(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(HIDDEN))

    def forward(self, x):
        wide = x.float()
        return self.weight * (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-5)).to(x.dtype)


class HeadNorm(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1, DIM))
        self.bias = torch.nn.Parameter(torch.zeros(1, DIM))

    def forward(self, x):
        normed = F.layer_norm(x, (DIM,), eps=1e-5)
        return normed * self.weight.repeat_interleave(HEADS, 0) + self.bias.repeat_interleave(HEADS, 0)


def turned(x):
    a, b = x.chunk(2, -1)
    return torch.cat((-b, a), -1)


class Layer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        linear = lambda ins, outs: torch.nn.Linear(ins, outs, bias=False)
        self.q, self.k, self.v, self.o = (linear(HIDDEN, HIDDEN) for _ in range(4))
        self.gate, self.up, self.down = linear(HIDDEN, BETWEEN), linear(HIDDEN, BETWEEN), linear(BETWEEN, HIDDEN)
        self.first, self.second = RmsNorm(), RmsNorm()
        self.q_norm, self.k_norm = HeadNorm(), HeadNorm()

    def forward(self, x, cos, sin, cache, mask):
        batch, rows, _ = x.shape
        h = self.first(x)
        split = lambda t: t.view(batch, rows, HEADS, DIM)
        q = self.q_norm(split(self.q(h))).transpose(1, 2)
        k = self.k_norm(split(self.k(h))).transpose(1, 2)
        v = split(self.v(h)).transpose(1, 2)
        q, k = q * cos + turned(q) * sin, k * cos + turned(k) * sin
        k, v = torch.cat((cache[0], k), 2), torch.cat((cache[1], v), 2)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).reshape(batch, rows, HIDDEN)
        x = x + self.o(mixed)
        h = self.second(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h)), (k, v)


def main():
    contexts = [int(text) for text in sys.argv[1:]] or [16, 1024, 4656, 9300]
    with torch.device(DEVICE):
        layers = [Layer() for _ in range(LAYERS)]
        norm, head, table = RmsNorm(), torch.nn.Linear(HIDDEN, VOCABULARY, bias=False), torch.nn.Embedding(VOCABULARY, HIDDEN)
    frequencies = 10000.0 ** (-torch.arange(0, DIM, 2, device=DEVICE, dtype=torch.float32) / DIM)
    print('PyTorch', torch.__version__, torch.cuda.get_device_name())
    for context in contexts:
        caches = [tuple(torch.randn(2, HEADS, context, DIM, device=DEVICE) for _ in range(2)) for _ in range(LAYERS)]
        tokens = torch.full((2, ROWS), 7, device=DEVICE)

        def step():
            positions = torch.arange(context, context + ROWS, device=DEVICE).float()
            angles = positions[:, None] * frequencies
            angles = torch.cat((angles, angles), -1)
            cos, sin = angles.cos().to(torch.bfloat16), angles.sin().to(torch.bfloat16)
            mask = torch.full((ROWS, context + ROWS), -math.inf, device=DEVICE).triu(context + 1)
            x = table(tokens)
            for layer, cache in zip(layers, caches):
                x, _ = layer(x, cos, sin, cache, mask)
            return head(norm(x)).float()

        for _ in range(3):
            step()
        times = []
        for _ in range(9):
            began, ended = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            began.record()
            step()
            ended.record()
            ended.synchronize()
            times.append(began.elapsed_time(ended))
        print(f'PyTorch, 2 x {ROWS} tokens, context {context}: {sorted(times)[len(times) // 2]:.2f} ms', flush=True)
        del caches
        torch.cuda.empty_cache()


main()
