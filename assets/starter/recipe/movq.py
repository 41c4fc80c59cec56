"""MoVQ, the image tokenizer, with the public checkpoint's names: encoder, codebook, decoder.

The decoder's norms are modulated by the code vectors: GroupNorm(f) * conv_y(z) + conv_b(z).
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

from runs import layout_of


def as_input(batch, device):
    """Pictures of bytes, n x height x width x 3, as the network takes them: -1 to 1, channels first."""
    x = torch.from_numpy(batch).to(device, non_blocking=True).permute(0, 3, 1, 2).float() / 127.5 - 1
    return x.contiguous(memory_format=layout_of(device))


class GroupNorm(nn.GroupNorm):
    """In f32 whatever comes in."""

    def __init__(self, channels):
        super().__init__(32, channels, eps=1e-6)

    def forward(self, x):
        return F.group_norm(x.float(), 32, self.weight.float(), self.bias.float(), self.eps).to(x.dtype)


class SpatialNorm(nn.Module):
    def __init__(self, channels, z_channels):
        super().__init__()
        self.norm_layer = GroupNorm(channels)
        self.conv_y = nn.Conv2d(z_channels, channels, 1)
        self.conv_b = nn.Conv2d(z_channels, channels, 1)

    def forward(self, x, z):
        scale, shift = self.conv_y(z), self.conv_b(z)
        grow = x.shape[-1] // z.shape[-1]
        if grow > 1:
            scale, shift = (F.interpolate(v, scale_factor=grow, mode="nearest") for v in (scale, shift))
        return self.norm_layer(x) * scale + shift


class Normed(nn.Module):
    """What has norms of either kind."""

    @staticmethod
    def make_norm(channels, z_channels):
        return SpatialNorm(channels, z_channels) if z_channels else GroupNorm(channels)

    @staticmethod
    def normed(norm, x, z):
        return norm(x) if z is None else norm(x, z)


class ResBlock(Normed):
    def __init__(self, ins, outs, z_channels):
        super().__init__()
        self.norm1 = self.make_norm(ins, z_channels)
        self.conv1 = nn.Conv2d(ins, outs, 3, padding=1)
        self.norm2 = self.make_norm(outs, z_channels)
        self.conv2 = nn.Conv2d(outs, outs, 3, padding=1)
        if ins != outs:
            self.nin_shortcut = nn.Conv2d(ins, outs, 1)

    def forward(self, x, z=None):
        h = self.conv1(F.silu(self.normed(self.norm1, x, z)))
        h = self.conv2(F.silu(self.normed(self.norm2, h, z)))
        return (self.nin_shortcut(x) if hasattr(self, "nin_shortcut") else x) + h


class Attention(Normed):
    def __init__(self, channels, z_channels):
        super().__init__()
        self.norm = self.make_norm(channels, z_channels)
        self.q = nn.Conv2d(channels, channels, 1)
        self.k = nn.Conv2d(channels, channels, 1)
        self.v = nn.Conv2d(channels, channels, 1)
        self.proj_out = nn.Conv2d(channels, channels, 1)

    def forward(self, x, z=None):
        b, c, h, w = x.shape
        y = self.normed(self.norm, x, z)
        q, k, v = (conv(y).flatten(2).transpose(1, 2)[:, None] for conv in (self.q, self.k, self.v))
        y = F.scaled_dot_product_attention(q, k, v)[:, 0]
        return x + self.proj_out(y.transpose(1, 2).reshape(b, c, h, w))


class Resample(nn.Module):
    def __init__(self, channels, up):
        super().__init__()
        self.up = up
        self.conv = nn.Conv2d(channels, channels, 3, stride=1 if up else 2, padding=1 if up else 0)

    def forward(self, x):
        if self.up:
            return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class Level(nn.Module):
    def __init__(self, ins, outs, blocks, attends, z_channels, resample):
        super().__init__()
        self.block = nn.ModuleList(ResBlock(ins if i == 0 else outs, outs, z_channels) for i in range(blocks))
        self.attn = nn.ModuleList(Attention(outs, z_channels) for _ in range(blocks if attends else 0))
        if resample:
            setattr(self, resample, Resample(outs, resample == "upsample"))

    def forward(self, x, z=None):
        for i, block in enumerate(self.block):
            x = block(x, z)
            if len(self.attn):
                x = self.attn[i](x, z)
        return x


class Middle(nn.Module):
    def __init__(self, channels, z_channels):
        super().__init__()
        self.block_1 = ResBlock(channels, channels, z_channels)
        self.attn_1 = Attention(channels, z_channels)
        self.block_2 = ResBlock(channels, channels, z_channels)

    def forward(self, x, z=None):
        return self.block_2(self.attn_1(self.block_1(x, z), z), z)


def _attends(dd, level):
    return (dd["resolution"] >> level) in dd["attn_resolutions"]


class Encoder(nn.Module):
    def __init__(self, dd):
        super().__init__()
        ch, mult = dd["ch"], dd["ch_mult"]
        self.conv_in = nn.Conv2d(dd["in_channels"], ch, 3, padding=1)
        ins, self.down = ch, nn.ModuleList()
        for i, m in enumerate(mult):
            last = i == len(mult) - 1
            self.down.append(Level(ins, ch * m, dd["num_res_blocks"], _attends(dd, i), 0, None if last else "downsample"))
            ins = ch * m
        self.mid = Middle(ins, 0)
        self.norm_out = GroupNorm(ins)
        self.conv_out = nn.Conv2d(ins, dd["z_channels"], 3, padding=1)

    def forward(self, x):
        x = self.conv_in(x)
        for level in self.down:
            x = level(x)
            if hasattr(level, "downsample"):
                x = level.downsample(x)
        return self.conv_out(F.silu(self.norm_out(self.mid(x))))


class Decoder(nn.Module):
    def __init__(self, dd, embed_dim):
        super().__init__()
        ch, mult = dd["ch"], dd["ch_mult"]
        ins = ch * mult[-1]
        self.conv_in = nn.Conv2d(dd["z_channels"], ins, 3, padding=1)
        self.mid = Middle(ins, embed_dim)
        levels = []
        for i, m in reversed(list(enumerate(mult))):
            levels.append(Level(ins, ch * m, dd["num_res_blocks"] + 1, _attends(dd, i), embed_dim, "upsample" if i else None))
            ins = ch * m
        self.up = nn.ModuleList(levels[::-1])
        self.norm_out = SpatialNorm(ins, embed_dim)
        self.conv_out = nn.Conv2d(ins, dd["out_ch"], 3, padding=1)

    def forward(self, h, z):
        h = self.mid(self.conv_in(h), z)
        for level in reversed(self.up):
            h = level(h, z)
            if hasattr(level, "upsample"):
                h = level.upsample(h)
        return self.conv_out(F.silu(self.norm_out(h, z)))


class Codebook(nn.Module):
    """Nearest vectors by Euclidean distance, kept as running means of what they stand for."""

    def __init__(self, count, size):
        super().__init__()
        self.embedding = nn.Embedding(count, size)
        self.embedding.weight.requires_grad_(False)
        self.embedding.weight.data.normal_(0, 1)

    def nearest(self, z):
        """`z`: n x size, f32."""
        e = self.embedding.weight.float()
        out = torch.empty(len(z), dtype=torch.long, device=z.device)
        for i in range(0, len(z), 65536):
            part = z[i : i + 65536]
            out[i : i + 65536] = (e.pow(2).sum(1) - 2 * part @ e.t()).argmin(1)
        return out


class Movq(nn.Module):
    def __init__(self, config):
        super().__init__()
        dd, size = config["ddconfig"], config["embed_dim"]
        self.encoder = Encoder(dd)
        self.decoder = Decoder(dd, size)
        self.quantize = Codebook(config["n_embed"], size)
        self.quant_conv = nn.Conv2d(dd["z_channels"], size, 1)
        self.post_quant_conv = nn.Conv2d(size, dd["z_channels"], 1)

    def vectors(self, pixels):
        """Pictures (b x 3 x h x w, -1 to 1) to vectors before rounding, f32."""
        return self.quant_conv(self.encoder(pixels)).float()

    def codes(self, pixels):
        z = self.vectors(pixels)
        b, c, h, w = z.shape
        return self.quantize.nearest(z.permute(0, 2, 3, 1).reshape(-1, c)).reshape(b, h, w)

    def of_vectors(self, z):
        return self.decoder(self.post_quant_conv(z), z)

    def picture(self, codes):
        return self.of_vectors(self.quantize.embedding(codes).permute(0, 3, 1, 2)).clamp(-1, 1)


def config_of(sizes):
    """movq.json of {"ch", "blocks", "codes"}."""
    dd = {
        "double_z": False,
        "z_channels": 4,
        "resolution": 256,
        "in_channels": 3,
        "out_ch": 3,
        "ch": sizes["ch"],
        "ch_mult": [1, 2, 2, 4],
        "num_res_blocks": sizes["blocks"],
        "attn_resolutions": [32],
        "dropout": 0.0,
    }
    return {"ddconfig": dd, "n_embed": sizes["codes"], "embed_dim": 4}
