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
            # Matrices of one shape go through the iteration together.
            shapes = {}
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["momentum"] = torch.zeros_like(p)
                held = state["momentum"]
                held.lerp_(p.grad, 1 - self.momentum)
                parts = self.parts[p]
                update = p.grad.lerp(held, self.momentum).reshape(parts, p.shape[0] // parts, -1)
                shapes.setdefault(update.shape[1:], []).append((p, update))
            for (rows, columns), waiting in shapes.items():
                moved = orthogonal(torch.cat([update for _, update in waiting]))
                scale = max(1.0, rows / columns) ** 0.5
                at = 0
                for p, update in waiting:
                    p.mul_(1 - group["lr"] * self.decay)
                    p.add_(moved[at : at + len(update)].reshape(p.shape), alpha=-group["lr"] * scale)
                    at += len(update)


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
