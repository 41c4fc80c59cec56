"""Trains the image tokenizer: L1 and L2, an edge term, a codebook of running means.

`edges` weighs the differences of neighbouring pixels (sharp outlines are what a template judge
loses first), `adversary` a patch discriminator that joins after half of the time; either is off at
0, and which settings win is said by the logged PSNR and SSIM of unseen scenes.
"""
import itertools
import math
from functools import lru_cache

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

import data
import movq
from runs import Average, OutOfTime, Phase


def steps_between(x):
    return x[..., 1:] - x[..., :-1], x[..., 1:, :] - x[..., :-1, :]


def edge_loss(a, b):
    """Differences to the neighbours, at full and at half size."""
    loss = 0
    for _ in range(2):
        loss = loss + sum((p - q).abs().mean() for p, q in zip(steps_between(a), steps_between(b)))
        a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
    return loss


def ssim(a, b):
    """Mean structural similarity of pictures in -1..1, 7 x 7 windows."""
    a, b = (((x.float() + 1) / 2).mean(1, keepdim=True) for x in (a, b))
    mean = lambda x: F.avg_pool2d(x, 7, 1)
    ma, mb = mean(a), mean(b)
    va, vb, vab = mean(a * a) - ma * ma, mean(b * b) - mb * mb, mean(a * b) - ma * mb
    c1, c2 = 0.01**2, 0.03**2
    return (((2 * ma * mb + c1) * (2 * vab + c2)) / ((ma**2 + mb**2 + c1) * (va + vb + c2))).mean().item()


class Patches(nn.Sequential):
    """Says of every patch whether it is drawn or decoded."""

    def __init__(self, ch=48):
        layers, ins = [], 3
        for outs, stride in ((ch, 2), (2 * ch, 2), (4 * ch, 1)):
            layers += [nn.Conv2d(ins, outs, 4, stride, 1), nn.GroupNorm(8, outs), nn.LeakyReLU(0.2)]
            ins = outs
        del layers[1]
        super().__init__(*layers, nn.Conv2d(ins, 1, 4, 1, 1))


class Means:
    """The codebook's running means; vectors nobody uses are moved to where pictures are."""

    def __init__(self, codebook, decay=0.99):
        self.codebook, self.decay = codebook, decay
        e = codebook.embedding.weight
        self.count, self.sum = torch.ones(len(e), device=e.device), e.detach().clone()

    @torch.no_grad()
    def step(self, z, codes):
        n, size = self.codebook.embedding.weight.shape
        count = torch.zeros(n, device=z.device).index_add_(0, codes, torch.ones_like(codes, dtype=torch.float32))
        total = torch.zeros(n, size, device=z.device).index_add_(0, codes, z)
        self.count.lerp_(count, 1 - self.decay)
        self.sum.lerp_(total, 1 - self.decay)
        self.codebook.embedding.weight.copy_(self.sum / self.count.clamp(min=1e-3)[:, None])

    @torch.no_grad()
    def restart(self, z, generator):
        """Vectors used less than a twentieth of their share start again at random pictures' vectors."""
        dead = (self.count < 0.05 * self.count.mean()).nonzero()[:, 0]
        if len(dead):
            pick = torch.randint(len(z), (len(dead),), generator=generator).to(z.device)
            self.sum[dead] = z[pick] * self.count.mean()
            self.count[dead] = self.count.mean()
            self.codebook.embedding.weight[dead] = z[pick]
        return len(dead)


def as_input(batch, device):
    x = torch.from_numpy(batch).to(device, non_blocking=True).permute(0, 3, 1, 2).float() / 127.5 - 1
    return x.contiguous(memory_format=torch.channels_last)


@lru_cache(maxsize=16)
def unseen(start, count, width, height):
    return data.pictures((900_000 + start, count, width, height, "unseen"))[1]


@torch.no_grad()
def measured(model, run, average):
    """PSNR and SSIM on unseen scenes, with the averaged weights, in f32."""
    average.swap()
    found = {}
    for width, height, count in run.config["movq"]["measured"]:
        psnr, alike = [], []
        for start in range(0, count, 16):
            x = as_input(unseen(start, min(16, count - start), width, height), run.device)
            y = model.picture(model.codes(x))
            mse = ((y - x) / 2).pow(2).mean((1, 2, 3)).clamp(min=1e-7)
            psnr += (-10 * mse.log10()).tolist()
            alike.append(ssim(x, y))
        found[f"psnr_{width}"], found[f"ssim_{width}"] = float(np.mean(psnr)), float(np.mean(alike))
    average.swap()
    return found


def shapes(settings, seed):
    """Step by step: (width, height, count), chosen by weight."""
    rng = np.random.default_rng(seed)
    weights = np.array([s[3] for s in settings], float)
    while True:
        yield settings[rng.choice(len(settings), p=weights / weights.sum())][:3]


def train(run):
    settings, phase = run.config["movq"], Phase(run, "movq")
    torch.manual_seed(run.config["seed"])
    model = movq.Movq(movq.config_of(settings)).to(run.device, memory_format=torch.channels_last)
    critic = Patches().to(run.device) if settings["adversary"] else None
    means, average = Means(model.quantize), Average(model, settings["average"])
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], settings["rate"], (0.9, 0.95), weight_decay=0.01)
    critic_optimiser = torch.optim.AdamW(critic.parameters(), settings["rate"] / 2, (0.5, 0.9)) if critic else None
    generator, step, seen = torch.Generator().manual_seed(run.config["seed"]), 0, 0
    stored = run.load("movq.checkpoint")
    if stored:
        model.load_state_dict(stored["model"])
        optimiser.load_state_dict(stored["optimiser"])
        average.load(stored["average"])
        means.count, means.sum = stored["means"]
        generator.set_state(stored["generator"].cpu())
        step, seen = stored["step"], stored["seen"]
        if critic:
            critic.load_state_dict(stored["critic"])
            critic_optimiser.load_state_dict(stored["critic_optimiser"])
        phase.resume(stored["seconds"])

    def save():
        state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "average": average.state()}
        state |= {"means": (means.count, means.sum), "generator": generator.get_state(), "step": step, "seen": seen}
        if critic:
            state |= {"critic": critic.state_dict(), "critic_optimiser": critic_optimiser.state_dict()}
        run.save("movq.checkpoint", {**state, "seconds": phase.seconds()})

    encode, decode = (run.compiled(part, dynamic=False) for part in (model.vectors, model.of_vectors))
    workers = data.Workers(run.workers, data.pictures)
    pool = settings.get("pool")
    plan = itertools.islice(shapes(settings["shapes"], run.config["seed"]), step, None)
    # A pool of batches drawn again and again, where workers are too few to keep up.
    number = (lambda n: n % pool) if pool else (lambda n: n)
    made = {}

    def batches():
        jobs = ((number(n), count, w, h, run.config["seed"]) for n, (w, h, count) in enumerate(plan, step))
        if not pool:
            yield from (batch for _, batch in workers.results(jobs))
        for job in jobs if pool else ():
            if job not in made:
                made[job] = data.pictures(job)[1]
            yield made[job]

    try:
        for batch in batches():
            if phase.over() or phase.interrupted():
                break
            x = as_input(batch, run.device)
            rate = settings["rate"] * min(1, (step + 1) / 50) * (0.03 + 0.97 * (1 + math.cos(math.pi * phase.progress())) / 2)
            for group in optimiser.param_groups:
                group["lr"] = rate
            with run.autocast():
                z = encode(x)
                flat = z.permute(0, 2, 3, 1).reshape(-1, z.shape[1])
                if step == 0:
                    means.count.fill_(0)
                    means.restart(flat.detach(), generator)
                    means.count.fill_(1)
                    means.sum.copy_(model.quantize.embedding.weight)
                with torch.no_grad():
                    codes = model.quantize.nearest(flat.detach().float())
                q = model.quantize.embedding(codes).view(z.permute(0, 2, 3, 1).shape).permute(0, 3, 1, 2)
                commitment = F.mse_loss(z, q)
                y = decode(z + (q - z).detach())
            y = y.float()
            loss = (y - x).abs().mean() + settings["square"] * F.mse_loss(y, x) + settings["commitment"] * commitment
            if settings["edges"]:
                loss = loss + settings["edges"] * edge_loss(y, x)
            if critic and phase.progress() > 0.5:
                with run.autocast():
                    fooled = -critic(y).float().mean()
                last = model.decoder.conv_out.weight
                pull, push = (torch.autograd.grad(part, last, retain_graph=True)[0].norm() for part in (loss, fooled))
                loss = loss + settings["adversary"] * (pull / (push + 1e-4)).clamp(max=1e3).detach() * fooled
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            average.step()
            means.step(flat.detach().float(), codes)
            if critic and phase.progress() > 0.45:
                with run.autocast():
                    real, fake = critic(x).float(), critic(y.detach()).float()
                critic_loss = F.relu(1 - real).mean() + F.relu(1 + fake).mean()
                critic_optimiser.zero_grad(set_to_none=True)
                critic_loss.backward()
                critic_optimiser.step()
            step, seen = step + 1, seen + len(x)
            dead = None
            if step % 50 == 0 and phase.progress() < 0.8:
                dead = means.restart(flat.detach().float(), generator)
            if step % settings["told_every"] == 0:
                used = len(codes.unique())
                facts = {"loss": loss.item(), "edge": edge_loss(y, x).item(), "used": used, "dead": dead, "rate": rate}
                if step % (10 * settings["told_every"]) == 0:
                    facts |= measured(model, run, average)
                run.log(phase="movq", step=step, pictures=seen, seconds=phase.seconds(), **facts)
            if phase.save_due():
                save()
    finally:
        workers.close()
    save()
    if not phase.over():
        raise OutOfTime
    run.log(phase="movq", step=step, pictures=seen, seconds=phase.seconds(), done=True, **measured(model, run, average))
    average.swap()
    run.save("movq.done", model.state_dict())


def trained(run):
    model = movq.Movq(movq.config_of(run.config["movq"])).to(run.device)
    model.load_state_dict(run.load("movq.done"))
    return model.eval().requires_grad_(False)
