"""Muon for matrices and filters, AdamW for everything else.

Muon (Jordan et al., 2024) moves a matrix along its momentum with all singular values made equal, by
five steps of a Newton-Schulz iteration. On a CPU it is worth its cost: see README.md.
"""
import torch

from runs import has_fast_bf16

# Of the quintic iteration x -> a x + b (x x') x + c (x x')^2 x.
A, B, C = 3.4445, -4.7750, 2.0315


def orthogonal(g):
    """Nearest matrices with equal singular values, roughly; n x rows x columns."""
    tall = g.shape[1] > g.shape[2]
    x = (g.transpose(1, 2) if tall else g).to(torch.bfloat16 if has_fast_bf16(g.device) else torch.float32)
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        y = x @ x.transpose(1, 2)
        x = A * x + (B * y + C * (y @ y)) @ x
    return (x.transpose(1, 2) if tall else x).float()


class Muon(torch.optim.Optimizer):
    """`matrices`: (parameter, how many matrices lie in it one under the other)."""

    def __init__(self, matrices, rate, momentum=0.95, decay=0.0):
        super().__init__([p for p, _ in matrices], {"lr": rate})
        self.parts = {p: parts for p, parts in matrices}
        self.momentum, self.decay = momentum, decay

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            taken = [p for p in group["params"] if p.grad is not None]
            if not taken:
                continue
            for p in taken:
                if not self.state[p]:
                    self.state[p]["momentum"] = torch.zeros_like(p)
            grads, held = [p.grad for p in taken], [self.state[p]["momentum"] for p in taken]
            torch._foreach_lerp_(held, grads, 1 - self.momentum)
            # Matrices of one shape go through the iteration together.
            shapes = {}
            for p, update in zip(taken, torch._foreach_lerp(grads, held, self.momentum)):
                update = update.reshape(self.parts[p], p.shape[0] // self.parts[p], -1)
                shapes.setdefault(update.shape[1:], []).append((p, update))
            torch._foreach_mul_(taken, 1 - group["lr"] * self.decay)
            for (rows, columns), waiting in shapes.items():
                moved = orthogonal(torch.cat([update for _, update in waiting])).split([len(update) for _, update in waiting])
                scale = max(1.0, rows / columns) ** 0.5
                matrices = [p for p, _ in waiting]
                torch._foreach_add_(matrices, [m.reshape(p.shape) for p, m in zip(matrices, moved)], alpha=-group["lr"] * scale)


class Both:
    """Several optimisers as one; every group keeps the rate it was made with, times a share."""

    def __init__(self, *parts):
        self.parts = [part for part in parts if part.param_groups[0]["params"]]
        self.rates = [[group["lr"] for group in part.param_groups] for part in self.parts]

    def share(self, share):
        for part, rates in zip(self.parts, self.rates):
            for group, rate in zip(part.param_groups, rates):
                group["lr"] = rate * share

    def zero_grad(self):
        for part in self.parts:
            part.zero_grad(set_to_none=True)

    def step(self):
        for part in self.parts:
            part.step()

    def state_dict(self):
        return [part.state_dict() for part in self.parts]

    def load_state_dict(self, states):
        for part, state in zip(self.parts, states):
            part.load_state_dict(state)
