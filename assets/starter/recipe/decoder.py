"""The decoder: a Chameleon transformer (names and maths of the public checkpoint).

Inside, q, k and v are one matrix, gate and up another; `public` and `load_public` translate. Only
picture codes are ever predicted, so the head is computed for their rows alone.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F


class RmsNorm(nn.Module):
    def __init__(self, size, eps):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(size)), eps

    def forward(self, x):
        y = x.float()
        y = y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + self.eps)
        return y.to(x.dtype) * self.weight.to(x.dtype)


class HeadNorm(nn.Module):
    """LayerNorm over a head's values; one row of weights for all heads (model_parallel_size 1)."""

    def __init__(self, size):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(1, size)), nn.Parameter(torch.zeros(1, size))

    def forward(self, x):
        y = F.layer_norm(x.float(), x.shape[-1:], eps=1e-5)
        return (y * self.weight[0] + self.bias[0]).to(x.dtype)


def turned(x, cos, sin):
    """Rotary positions, the half-split convention."""
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def attended(q, k, v, causal):
    """Attention; short sequences on a CPU written out, for there the backward pass of torch's own is slow."""
    if q.is_cuda or not causal or q.shape[2] > 1000:
        return F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    b, heads, t, size = q.shape
    hidden = torch.full((t, t), float("-inf"), dtype=q.dtype).triu(1)
    q, k, v = (x.reshape(b * heads, t, size) for x in (q, k, v))
    shares = torch.baddbmm(hidden, q, k.transpose(1, 2), alpha=size**-0.5).softmax(-1)
    return torch.bmm(shares, v).view(b, heads, t, size)


class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        hidden, self.heads = config["hidden_size"], config["num_attention_heads"]
        self.size = hidden // self.heads
        self.input_layernorm = RmsNorm(hidden, config["rms_norm_eps"])
        self.qkv = nn.Linear(hidden, 3 * hidden, bias=False)
        self.o_proj = nn.Linear(hidden, hidden, bias=False)
        self.q_norm, self.k_norm = HeadNorm(self.size), HeadNorm(self.size)
        self.post_attention_layernorm = RmsNorm(hidden, config["rms_norm_eps"])
        self.gate_up = nn.Linear(hidden, 2 * config["intermediate_size"], bias=False)
        self.down_proj = nn.Linear(config["intermediate_size"], hidden, bias=False)

    def forward(self, x, cos, sin, cache=None):
        b, t, _ = x.shape
        q, k, v = self.qkv(self.input_layernorm(x)).view(b, t, 3, self.heads, self.size).permute(2, 0, 3, 1, 4)
        q, k = turned(self.q_norm(q), cos, sin).to(v.dtype), turned(self.k_norm(k), cos, sin).to(v.dtype)
        causal = True
        if cache is not None:
            k, v = torch.cat([cache[0], k], 2), torch.cat([cache[1], v], 2)
            causal = t > 1
        y = attended(q, k, v, causal)
        x = x + self.o_proj(y.transpose(1, 2).reshape(b, t, -1))
        gate, up = self.gate_up(self.post_attention_layernorm(x)).chunk(2, -1)
        return x + self.down_proj(F.silu(gate) * up), (k, v)


class Transformer(nn.Module):
    def __init__(self, config, first_code):
        super().__init__()
        hidden = config["hidden_size"]
        self.config, self.first_code = config, first_code
        self.embed_tokens = nn.Embedding(config["vocab_size"], hidden)
        self.layers = nn.ModuleList(Block(config) for _ in range(config["num_hidden_layers"]))
        self.norm = RmsNorm(hidden, config["rms_norm_eps"])
        self.lm_head = nn.Linear(hidden, config["vocab_size"], bias=False)
        size = hidden // config["num_attention_heads"]
        inverse = config["rope_theta"] ** (-torch.arange(0, size, 2, dtype=torch.float64) / size)
        angles = torch.arange(config["max_position_embeddings"], dtype=torch.float64)[:, None] * inverse
        self.register_buffer("cos", angles.cos().float(), persistent=False)
        self.register_buffer("sin", angles.sin().float(), persistent=False)
        for name, p in self.named_parameters():
            if p.dim() == 2 and "norm" not in name:
                nn.init.normal_(p, 0, 0.02)
                if name.endswith(("o_proj.weight", "down_proj.weight")):
                    p.data /= (2 * config["num_hidden_layers"]) ** 0.5

    def forward(self, ids, caches=None, at=0):
        """Normed hidden states; `caches` is filled and used by the sampler only."""
        t = ids.shape[1]
        x, cos, sin = self.embed_tokens(ids), self.cos[at : at + t], self.sin[at : at + t]
        for i, layer in enumerate(self.layers):
            x, kept = layer(x, cos, sin, caches[i] if caches else None)
            if caches is not None and len(caches) == len(self.layers):
                caches[i] = kept
        return self.norm(x)

    def scores(self, hidden):
        """Of picture codes only."""
        return F.linear(hidden, self.lm_head.weight[self.first_code :])

    def public(self):
        """Tensors under their public names."""
        out = {"model.embed_tokens.weight": self.embed_tokens.weight, "model.norm.weight": self.norm.weight}
        out["lm_head.weight"] = self.lm_head.weight
        for i, layer in enumerate(self.layers):
            name = f"model.layers.{i}."
            for part, weight in zip("qkv", layer.qkv.weight.chunk(3)):
                out[f"{name}self_attn.{part}_proj.weight"] = weight
            out[f"{name}self_attn.o_proj.weight"] = layer.o_proj.weight
            for part in ("q_norm", "k_norm"):
                out[f"{name}self_attn.{part}.weight"] = getattr(layer, part).weight
                out[f"{name}self_attn.{part}.bias"] = getattr(layer, part).bias
            for part, weight in zip(("gate", "up"), layer.gate_up.weight.chunk(2)):
                out[f"{name}mlp.{part}_proj.weight"] = weight
            out[f"{name}mlp.down_proj.weight"] = layer.down_proj.weight
            for part in ("input_layernorm", "post_attention_layernorm"):
                out[f"{name}{part}.weight"] = getattr(layer, part).weight
        return {k: v.detach() for k, v in out.items()}

    @torch.no_grad()
    def load_public(self, tensors):
        for name, mine in self.public().items():
            # The parts of a fused matrix are views of it.
            mine.copy_(tensors[name])


def grown(tensors, layers):
    """The public tensors of a decoder with so many layers that computes the same.

    Layers that are there are followed by copies of themselves that add nothing yet: what writes to
    the residual stream is zero in them.
    """
    there = 1 + max(int(name.split(".")[2]) for name in tensors if name.startswith("model.layers."))
    if layers < there:
        raise ValueError(f"{layers} layers are fewer than the {there} of the weights to go on from")
    out = {name: t for name, t in tensors.items() if not name.startswith("model.layers.")}
    copied = [layer * there // layers for layer in range(layers)]
    for layer in range(layers):
        again = layer and copied[layer] == copied[layer - 1]
        old, new = f"model.layers.{copied[layer]}.", f"model.layers.{layer}."
        for name, t in tensors.items():
            if name.startswith(old):
                writes = name.endswith(("o_proj.weight", "down_proj.weight"))
                out[new + name[len(old) :]] = torch.zeros_like(t) if again and writes else t
    return out


def config_of(sizes, first_code, codes, eos):
    """config.json of {"hidden", "layers", "heads", "ffn", "positions"}."""
    return {
        "model_type": "chameleon",
        "architectures": ["ChameleonForConditionalGeneration"],
        "torch_dtype": "bfloat16",
        "vocab_size": first_code + codes,
        "hidden_size": sizes["hidden"],
        "intermediate_size": sizes["ffn"],
        "num_hidden_layers": sizes["layers"],
        "num_attention_heads": sizes["heads"],
        "num_key_value_heads": sizes["heads"],
        "hidden_act": "silu",
        "max_position_embeddings": sizes["positions"],
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "rope_scaling": None,
        "attention_bias": False,
        "mlp_bias": False,
        "model_parallel_size": 1,
        "swin_norm": False,
        "tie_word_embeddings": False,
        "mask_image_logits": False,
        "bos_token_id": eos,
        "eos_token_id": eos,
        "pad_token_id": None,
        "vocabulary_map": {f"<MOVQGAN{n:05}>": first_code + n for n in range(codes)},
    }
