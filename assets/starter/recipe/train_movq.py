"""Trains the image tokenizer: L1 and L2, an edge term, a codebook of running means.

`only_drawing` leaves encoder and codebook as `--start-from` brings them, so that codes keep their
meaning for a decoder that knows them, and trains what draws pictures of codes.
`edges` weighs the differences of neighbouring pixels (sharp outlines are what a template judge
loses first), `structure` what is missing in structural similarity (pale details inside a thing),
`adversary` a patch discriminator that joins after half of the time; each is off at 0, and which
settings win is said by the logged PSNR and SSIM of unseen scenes.
"""
import itertools
import math
from functools import lru_cache, partial

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

import data
import earlier
import movq
import world
from muon import Both, Muon
from runs import Average, OutOfTime, Phase, layout_of


def steps_between(x):
    return x[..., 1:] - x[..., :-1], x[..., 1:, :] - x[..., :-1, :]


def edge_loss(a, b):
    """Differences to the neighbours, at full and at half size."""
    loss = 0
    for _ in range(2):
        loss = loss + sum((p - q).abs().mean() for p, q in zip(steps_between(a), steps_between(b)))
        a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
    return loss


def same_patches(x):
    """Which patches (of a code each) two pictures in turn have in common: n / 2 x rows x columns.

    A code that hangs on what is drawn elsewhere is noise to a decoder: it learns each thing anew on
    every ground. Pictures before and after an edit have most patches in common.
    """
    return F.max_pool2d((x[0::2] != x[1::2]).any(1).float(), world.CODE) == 0


def difference(z, same):
    """Mean square of the differences of such patches' vectors, in variances of the vectors."""
    apart = (z[0::2] - z[1::2]).pow(2).mean(1) / z.detach().var()
    return (apart * same).sum() / same.sum().clamp(min=1)


def alike(codes, same):
    """The share of such patches that have the same code."""
    codes = codes.view(-1, 2, *same.shape[1:])
    return ((codes[:, 0] == codes[:, 1]) & same).sum().item() / max(1, same.sum().item())


def structure(a, b):
    """Mean structural similarity of pictures in -1..1, channel by channel, 7 x 7 windows."""
    a, b = ((x.float() + 1) / 2 for x in (a, b))
    mean = lambda x: F.avg_pool2d(x, 7, 1)
    ma, mb = mean(a), mean(b)
    va, vb, vab = mean(a * a) - ma * ma, mean(b * b) - mb * mb, mean(a * b) - ma * mb
    c1, c2 = 0.01**2, 0.03**2
    return (((2 * ma * mb + c1) * (2 * vab + c2)) / ((ma**2 + mb**2 + c1) * (va + vb + c2))).mean()


def ssim(a, b):
    """The same of their greys, as a figure."""
    return structure(*(x.mean(1, keepdim=True) for x in (a, b))).item()


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
            x = movq.as_input(unseen(start, min(16, count - start), width, height), run.device)
            y = model.picture(model.codes(x))
            mse = ((y - x) / 2).pow(2).mean((1, 2, 3)).clamp(min=1e-7)
            psnr += (-10 * mse.log10()).tolist()
            alike.append(ssim(x, y))
        found[f"psnr_{width}"], found[f"ssim_{width}"] = float(np.mean(psnr)), float(np.mean(alike))
    average.swap()
    return found


def shapes(settings, seed):
    """Step by step: (width, height, count and, for parts of pictures, their side), chosen by weight."""
    rng = np.random.default_rng(seed)
    weights = np.array([s[3] for s in settings], float)
    while True:
        width, height, count, _, *within = settings[rng.choice(len(settings), p=weights / weights.sum())]
        yield width, height, count, within


def batches(run, phase, first):
    """Batch after batch; each follows from its step alone. Parts of pictures come before whole ones."""
    settings, seed = run.config["movq"], run.config["seed"]
    workers = data.Workers(run.workers, partial(data.pictures, asked=settings.get("scenes", {})))
    try:
        for name in ("parts", "shapes"):
            plan = itertools.islice(shapes(settings.get(name, []), seed), first, None)
            jobs = ((step, count, w, h, f"{seed}|{name}", *within) for step, (w, h, count, within) in enumerate(plan, first))
            if name == "parts" and "parts" not in settings:
                continue
            for step, batch in workers.results(jobs):
                first = step + 1
                yield batch
                if name == "parts" and phase.progress() > settings["parts_until"]:
                    break
    finally:
        workers.close()


def optimiser_of(model, settings):
    """Muon moves the filters if it has a rate, AdamW the rest."""
    taken = [p for p in model.parameters() if p.requires_grad]
    filters = [p for p in taken if p.dim() == 4 and min(p.shape[:2]) >= 8] if settings.get("muon") else []
    known = set(map(id, filters))
    others = [p for p in taken if id(p) not in known]
    adam = torch.optim.AdamW(others, settings["rate"], (0.9, 0.95), weight_decay=0.01)
    return Both(adam, *([Muon([(p, 1) for p in filters], settings["muon"], decay=0.01)] if filters else []))


@torch.no_grad()
def thinned(model, run):
    """The model without code vectors that nearly say the same as a more used one.

    Running means put many vectors where most of the pictures are: a plain ground is told in dozens
    of ways that look alike, and a decoder would have to guess which. Vectors nearer to each other
    than `apart` times the rounding error (root mean square) become one.
    """
    settings = run.config["movq"]
    vectors = []
    for number in range(4):
        _, batch = data.pictures((number, 32, 128, 128, f"{run.config['seed']}|thinned"))
        z = model.vectors(movq.as_input(batch, run.device))
        vectors.append(z.permute(0, 2, 3, 1).reshape(-1, z.shape[1]))
    vectors, book = torch.cat(vectors), model.quantize.embedding.weight.float()
    codes = model.quantize.nearest(vectors)
    least = settings["apart"] * (vectors - book[codes]).pow(2).sum(1).mean().sqrt()
    used = torch.bincount(codes, minlength=len(book))
    between, kept = torch.cdist(book, book), []
    for code in used.argsort(descending=True, stable=True).tolist():
        if not kept or between[code, kept].min() >= least:
            kept.append(code)
    state = model.state_dict()
    state["quantize.embedding.weight"] = state["quantize.embedding.weight"][sorted(kept)]
    fewer = movq.Movq(movq.config_of({**settings, "codes": len(kept)})).to(run.device, memory_format=layout_of(run.device))
    fewer.load_state_dict(state)
    return fewer


def train(run):
    settings, phase = run.config["movq"], Phase(run, "movq")
    torch.manual_seed(run.config["seed"])
    again = run.load("movq.start")
    if again:
        settings = {**settings, "codes": len(again["quantize.embedding.weight"])}
    model = movq.Movq(movq.config_of(settings)).to(run.device, memory_format=layout_of(run.device))
    if again:
        model.load_state_dict(again)
    elif run.path("earlier").exists():
        model.load_state_dict(earlier.image(run.path("earlier"), settings["codes"]))
    drawing = settings.get("only_drawing", False)
    if drawing:
        if not again:
            raise SystemExit("only_drawing needs an image tokenizer to go on from: --start-from, with again")
        model.encoder.requires_grad_(False)
        model.quant_conv.requires_grad_(False)
    critic = Patches().to(run.device) if settings["adversary"] else None
    means, average = Means(model.quantize), Average(model, settings["average"])
    optimiser = optimiser_of(model, settings)
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

    encode, decode = (run.compiled("movq", part, dynamic=False) for part in (model.vectors, model.of_vectors))
    made = batches(run, phase, step)
    try:
        for batch in made:
            if phase.over() or phase.interrupted():
                break
            x = movq.as_input(batch, run.device)
            share = min(1, (step + 1) / 50) * (0.03 + 0.97 * (1 + math.cos(math.pi * phase.progress())) / 2)
            optimiser.share(share)
            with run.autocast():
                with torch.set_grad_enabled(not drawing):
                    z = encode(x)
                flat = z.permute(0, 2, 3, 1).reshape(-1, z.shape[1])
                if step == 0 and not again:
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
            if settings.get("structure"):
                loss = loss + settings["structure"] * (1 - structure(y, x))
            if settings.get("alike"):
                same = same_patches(x)
                unlike = difference(z, same)
                loss = loss + settings["alike"] * unlike
            if critic and phase.progress() > 0.5:
                with run.autocast():
                    fooled = -critic(y).float().mean()
                last = model.decoder.conv_out.weight
                pull, push = (torch.autograd.grad(part, last, retain_graph=True)[0].norm() for part in (loss, fooled))
                loss = loss + settings["adversary"] * (pull / (push + 1e-4)).clamp(max=1e3).detach() * fooled
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            average.step()
            if not drawing:
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
            if step % 50 == 0 and phase.progress() < 0.8 and not again:
                dead = means.restart(flat.detach().float(), generator)
            if step % settings["told_every"] == 0:
                used = len(codes.unique())
                facts = {"loss": loss.item(), "edge": edge_loss(y, x).item(), "used": used, "dead": dead, "share": share}
                if settings.get("alike"):
                    facts |= {"alike": alike(codes, same), "unlike": unlike.item()}
                if step % (10 * settings["told_every"]) == 0:
                    facts |= measured(model, run, average)
                run.log(phase="movq", step=step, pictures=seen, seconds=phase.seconds(), **facts)
            if phase.save_due():
                save()
    finally:
        made.close()
    save()
    if not phase.over():
        raise OutOfTime
    run.log(phase="movq", step=step, pictures=seen, seconds=phase.seconds(), done=True, **measured(model, run, average))
    average.swap()
    if settings.get("apart") and not again:
        model = thinned(model, run)
        facts = measured(model, run, Average(model, 0))
        run.log(phase="movq", codes=len(model.quantize.embedding.weight), **facts)
    run.save("movq.done", model.state_dict())


def sizes(run):
    """The settings with the number of codes that are left."""
    return {**run.config["movq"], "codes": len(run.load("movq.done")["quantize.embedding.weight"])}


def trained(run):
    model = movq.Movq(movq.config_of(sizes(run))).to(run.device)
    model.load_state_dict(run.load("movq.done"))
    return model.eval().requires_grad_(False)
