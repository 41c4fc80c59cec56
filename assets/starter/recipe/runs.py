"""What every phase of a run needs: its folder, its clock, its log, checkpoints that survive a kill."""
import json
import os
import time
from functools import cached_property
from pathlib import Path

import torch

HERE = Path(__file__).parent


def settings_of(path):
    """What a file says; see `configuration`."""
    path = path if path.exists() else HERE / path
    config = json.loads(path.read_text())
    if "like" not in config:
        return config
    base = settings_of(path.parent / config.pop("like"))
    stated = lambda settings: {key: value for key, value in settings.items() if value is not None}
    merged = lambda old, new: stated({**old, **new}) if isinstance(old, dict) and isinstance(new, dict) else new
    return stated({**base, **{key: merged(base.get(key), value) for key, value in config.items()}})


def configuration(path):
    """A configuration by its path or, if it is one of the recipe's, by its name.

    What `like` names comes first; of its settings, those told anew are replaced one by one, and
    those told to be null are left out. What
    stands in `every_stage` is set in all stages that do not say otherwise.
    """
    config = settings_of(Path(path))
    every = config.pop("every_stage", {})
    return {**config, "stages": [{**every, **stage} for stage in config["stages"]]}


class OutOfTime(Exception):
    """This call's time is over; everything is saved, the next call goes on."""


def has_fast_bf16(device):
    """Whether products of bf16 numbers are faster than those of f32; a CPU needs instructions for them."""
    device = torch.device(device)
    return device.type != "cpu" or torch.ops.mkldnn._is_mkldnn_bf16_supported() and torch.cpu._is_avx512_bf16_supported()


def layout_of(device):
    """How pictures lie in memory: on a CPU norms are several times slower with channels last."""
    return torch.contiguous_format if torch.device(device).type == "cpu" else torch.channels_last


class Run:
    def __init__(self, config, folder, minutes, stop_after):
        self.config, self.folder = config, Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.minutes = minutes
        self.stop_at = time.monotonic() + 60 * stop_after if stop_after else float("inf")
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.workers = config.get("workers") or min(16, os.cpu_count() or 1)
        torch.set_float32_matmul_precision("high")

    @property
    def last_stage(self):
        return len(self.config["stages"]) - 1

    @cached_property
    def budget(self):
        """Seconds of every phase: the minutes shared out over those not done at the first call."""
        path = self.path("budget.json")
        if not path.exists():
            done = lambda name: self.path(name.replace(" ", "-") + ".done").exists()
            shares = {name: share for name, share in self.config["minutes"].items() if not done(name)}
            whole = sum(shares.values())
            path.write_text(json.dumps({name: 60 * self.minutes * share / whole for name, share in shares.items()}))
        return json.loads(path.read_text())

    def log(self, **facts):
        line = json.dumps({k: round(v, 5) if isinstance(v, float) else v for k, v in facts.items()})
        with open(self.folder / "log.jsonl", "a") as file:
            file.write(line + "\n")
        print(line, flush=True)

    def path(self, name):
        return self.folder / name

    def save(self, name, state):
        """Whole or not at all: a kill leaves the last checkpoint."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(state, f"{path}.new")
        os.replace(f"{path}.new", path)

    def load(self, name):
        path = self.path(name)
        return torch.load(path, map_location=self.device, weights_only=False) if path.exists() else None

    def autocast(self):
        return torch.autocast(self.device, torch.bfloat16, enabled=has_fast_bf16(self.device))

    def compiled(self, part, module, **options):
        """The module compiled where the configuration names its part; on a CPU that takes a C++ compiler."""
        return torch.compile(module, **options) if part in self.config["compile"] else module


class Phase:
    """A part of a run with a time of its own, which goes on where a kill or a pause left it.

    On a CPU it is the time that all threads computed: a machine with other work to do takes longer
    for the same training.
    """

    def __init__(self, run, name):
        self.run, self.name, self.budget = run, name, run.budget[name]
        self.spent, self.began = 0.0, self.clock()
        self.saved = time.monotonic()

    def clock(self):
        on_gpu = self.run.device == "cuda"
        return time.monotonic() if on_gpu else time.process_time() / torch.get_num_threads()

    def resume(self, spent):
        self.spent, self.began = spent, self.clock()

    def seconds(self):
        return self.spent + self.clock() - self.began

    def progress(self):
        return min(1.0, self.seconds() / self.budget)

    def over(self):
        return self.seconds() >= self.budget

    def interrupted(self):
        return time.monotonic() > self.run.stop_at

    def save_due(self):
        if time.monotonic() - self.saved < 60 * self.run.config["checkpoint_minutes"]:
            return False
        self.saved = time.monotonic()
        return True


class Average:
    """Running mean of a module's weights; what is exported."""

    def __init__(self, module, decay):
        self.decay, self.steps = decay, 0
        self.source = [p for p in module.parameters() if p.requires_grad]
        self.mean = [p.detach().clone() for p in self.source]

    @torch.no_grad()
    def restart(self):
        for p, mean in zip(self.source, self.mean):
            mean.copy_(p)

    @torch.no_grad()
    def step(self):
        self.steps += 1
        decay = min(self.decay, self.steps / (self.steps + 10))
        torch._foreach_lerp_(self.mean, [p.detach() for p in self.source], 1 - decay)

    @torch.no_grad()
    def swap(self):
        """Puts the mean in the weights' place; a second call takes it back."""
        for p, mean in zip(self.source, self.mean):
            kept = p.detach().clone()
            p.copy_(mean)
            mean.copy_(kept)

    def state(self):
        return {"steps": self.steps, "mean": self.mean}

    @torch.no_grad()
    def load(self, state):
        self.steps = state["steps"]
        for mine, stored in zip(self.mean, state["mean"]):
            mine.copy_(stored)
