"""The U-Net of Cellpose 1-3; it loads the weight files of these versions.

Architecture: Stringer, Wang, Michaelos & Pachitariu, "Cellpose: a generalist
algorithm for cellular segmentation", Nature Methods 18, 100-106 (2021). The names
of the modules are dictated by the names in the weight files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

OUTPUTS = 3  # dY, dX, cell probability

_FIRST = "downsample.down.{}_down_{}.conv.conv_0.2.weight"
_JOINT = "upsample.up.{}_up_0.conv.conv_1.conv.2.weight"
_OUTPUT = "output.2.weight"
_RESIDUAL, _PLAIN = "res", "conv"
"""What Cellpose's names of blocks begin with, with residual connections or without."""
_STYLE_OFF = "style_off"


class UNet(nn.Module):
    """U-Net with a global style vector.

    Parameters
    ----------
    widths
        Channels of the input and then of each level; Cellpose's own models have
        (2, 32, 64, 128, 256). The sides of a tile must be divisible by
        2 ** (levels - 1).
    outputs
        Channels of the output.
    concatenation
        Whether skip connections are concatenated rather than added.
    residual
        Whether blocks have residual connections, as in all published models.
    style
        Whether the decoder sees the style, as in all published models.
    """

    def __init__(
        self,
        widths: Sequence[int],
        outputs: int = OUTPUTS,
        concatenation: bool = False,
        *,
        residual: bool = True,
        style: bool = True,
    ) -> None:
        super().__init__()
        self.widths = tuple(widths)
        self._style = style
        # Weight files list the diameters among the weights, so they are declared as
        # such.
        self.diam_mean = nn.Parameter(torch.tensor([30.0]), requires_grad=False)
        self.diam_labels = nn.Parameter(torch.tensor([30.0]), requires_grad=False)
        self.downsample = _Encoder(self.widths, residual)
        self.upsample = _Decoder(self.widths, concatenation, residual)
        self.output = _unit(self.widths[1], outputs, kernel=1)

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return self.diam_mean.device

    @property
    def dtype(self) -> torch.dtype:
        """Precision of the weights."""
        return self.diam_mean.dtype

    @property
    def blocks(self) -> list[nn.Module]:
        """The parts that take most of the time, in the order of execution."""
        return [*self.downsample.down, *reversed(self.upsample.up)]

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Map (N, C, Y, X) pixels to (N, 3, Y, X) outputs and (N, S) styles."""
        skips = self.downsample(pixels)
        # The styles that Cellpose's weights were trained on have a length of 1.
        style = functional.normalize(skips[-1].mean(dim=(2, 3)), dim=1)
        # Without it, Cellpose passes zeros on, of which biases remain.
        used = style if self._style else torch.zeros_like(style)
        return self.output(self.upsample(skips, used)), style


def is_unet(weights: Mapping[str, Tensor]) -> bool:
    """Return whether weights are those of a U-Net of Cellpose, of any variant."""
    return any(
        weights.keys() >= {_FIRST.format(kind, 0), _JOINT.format(kind), _OUTPUT}
        for kind in (_RESIDUAL, _PLAIN)
    )


def is_style_off(file: str) -> bool:
    """Return whether Cellpose's name of a weight file says "without a style".

    Nothing else tells: the file has the style's weights all the same.
    """
    return _STYLE_OFF in file


def reason_unfit(weights: Mapping[str, Tensor], file: str) -> str:
    """Return which variant of the U-Net cannot be run here; "" for one that can."""
    # Cellpose 1 and 2 call networks so that tell cells from their borders, and have
    # no flows.
    if file.startswith("unet"):
        return "a network that tells cells from borders"
    if (outputs := outputs_of(weights)) != OUTPUTS:
        return f"a network with {outputs} outputs"
    return ""


def outputs_of(weights: Mapping[str, Tensor]) -> int:
    """Return how many channels the output of a U-Net has: one restores images."""
    shape = weights[_OUTPUT].shape
    return shape[0] if shape else 0


def empty_unet(weights: Mapping[str, Tensor], style: bool = True) -> UNet:
    """Return the U-Net that ``weights`` belong to, to be filled with them."""
    # Without values: whatever a damaged file declares takes no memory.
    with torch.device("meta"):
        return UNet(
            widths_of(weights),
            outputs_of(weights),
            concatenation=concatenates(weights),
            residual=is_residual(weights),
            style=style,
        )


def fits(weights: Mapping[str, Tensor]) -> bool:
    """Return whether the names and shapes of weights are those of their U-Net."""
    wanted = {name: w.shape for name, w in empty_unet(weights).state_dict().items()}
    given = {name: w.shape for name, w in weights.items()}
    # Files of Cellpose 1 lack the diameters.
    diameters = {name: shape for name, shape in wanted.items() if "." not in name}
    return {**diameters, **given} == wanted


def widths_of(weights: Mapping[str, Tensor]) -> tuple[int, ...]:
    """Return the widths of the U-Net that ``weights`` belong to."""
    kind = _kind(weights)
    widths = [weights[_FIRST.format(kind, 0)].shape[1]]
    while (name := _FIRST.format(kind, len(widths) - 1)) in weights:
        widths.append(weights[name].shape[0])
    return tuple(widths)


def concatenates(weights: Mapping[str, Tensor]) -> bool:
    """Return whether the skip connections of ``weights`` are concatenated."""
    wide = weights[_JOINT.format(_kind(weights))]
    return wide.shape[1] == 2 * wide.shape[0]


def is_residual(weights: Mapping[str, Tensor]) -> bool:
    """Return whether the blocks of ``weights`` have residual connections."""
    return _FIRST.format(_RESIDUAL, 0) in weights


def _kind(weights: Mapping[str, Tensor]) -> str:
    return _RESIDUAL if is_residual(weights) else _PLAIN


def _unit(inputs: int, outputs: int, kernel: int = 3) -> nn.Sequential:
    """Batch normalisation, ReLU, convolution."""
    return nn.Sequential(
        nn.BatchNorm2d(inputs, eps=1e-5),
        nn.ReLU(),
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2),
    )


def _projection(inputs: int, outputs: int) -> nn.Sequential:
    """Batch normalisation and a 1 x 1 convolution, without the ReLU."""
    return nn.Sequential(
        nn.BatchNorm2d(inputs, eps=1e-5), nn.Conv2d(inputs, outputs, 1)
    )


class _StyledUnit(nn.Module):
    """A unit whose input is shifted by a projection of the style."""

    def __init__(self, inputs: int, outputs: int, style: int) -> None:
        super().__init__()
        self.full = nn.Linear(style, inputs)
        self.conv = _unit(inputs, outputs)

    def forward(self, style: Tensor, x: Tensor) -> Tensor:
        return self.conv(x + self.full(style)[:, :, None, None])


class _Down(nn.Module):
    """Two residual steps of two convolutions each."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Sequential()
        for k in range(4):
            unit = _unit(inputs if k == 0 else outputs, outputs)
            self.conv.add_module(f"conv_{k}", unit)
        self.proj = _projection(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.proj(x) + self.conv[1](self.conv[0](x))
        return x + self.conv[3](self.conv[2](x))


class _PlainDown(nn.Module):
    """Two convolutions, one after the other."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Sequential()
        self.conv.add_module("conv_0", _unit(inputs, outputs))
        self.conv.add_module("conv_1", _unit(outputs, outputs))

    def forward(self, x: Tensor) -> Tensor:
        return self.conv[1](self.conv[0](x))


class _Up(nn.Module):
    """Two residual steps; the skip connection enters in the first."""

    def __init__(self, inputs: int, outputs: int, style: int, joined: int) -> None:
        super().__init__()
        self.conv = nn.Sequential()
        self.conv.add_module("conv_0", _unit(inputs, outputs))
        for k in (1, 2, 3):
            width = joined if k == 1 else outputs
            self.conv.add_module(f"conv_{k}", _StyledUnit(width, outputs, style))
        self.proj = _projection(inputs, outputs)
        self._concatenate = joined != outputs

    def forward(self, x: Tensor, skip: Tensor, style: Tensor) -> Tensor:
        joined = _joined(skip, self.conv[0](x), self._concatenate)
        x = self.proj(x) + self.conv[1](style, joined)
        return x + self.conv[3](style, self.conv[2](style, x))


class _PlainUp(nn.Module):
    """Two convolutions; the skip connection enters between them."""

    def __init__(self, inputs: int, outputs: int, style: int, joined: int) -> None:
        super().__init__()
        self.conv = nn.Sequential()
        self.conv.add_module("conv_0", _unit(inputs, outputs))
        self.conv.add_module("conv_1", _StyledUnit(joined, outputs, style))
        self._concatenate = joined != outputs

    def forward(self, x: Tensor, skip: Tensor, style: Tensor) -> Tensor:
        joined = _joined(skip, self.conv[0](x), self._concatenate)
        return self.conv[1](style, joined)


def _joined(skip: Tensor, inner: Tensor, concatenate: bool) -> Tensor:
    return torch.cat((skip, inner), dim=1) if concatenate else inner + skip


class _Encoder(nn.Module):
    def __init__(self, widths: tuple[int, ...], residual: bool) -> None:
        super().__init__()
        self.down = nn.Sequential()
        kind, block = (_RESIDUAL, _Down) if residual else (_PLAIN, _PlainDown)
        for n, (inputs, outputs) in enumerate(pairwise(widths)):
            self.down.add_module(f"{kind}_down_{n}", block(inputs, outputs))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the feature map of every level, the shallowest first."""
        maps: list[Tensor] = []
        for block in self.down:
            x = block(functional.max_pool2d(maps[-1], 2) if maps else x)
            maps.append(x)
        return maps


class _Decoder(nn.Module):
    def __init__(
        self, widths: tuple[int, ...], concatenation: bool, residual: bool
    ) -> None:
        super().__init__()
        kind, block = (_RESIDUAL, _Up) if residual else (_PLAIN, _PlainUp)
        style = widths[-1]
        outputs = widths[1:]
        inputs = (*outputs[1:], style)
        self.up = nn.Sequential()
        for n, (i, o) in enumerate(zip(inputs, outputs, strict=True)):
            joined = 2 * o if concatenation else o
            self.up.add_module(f"{kind}_up_{n}", block(i, o, style, joined))

    def forward(self, skips: list[Tensor], style: Tensor) -> Tensor:
        x = skips[-1]
        for n in reversed(range(len(self.up))):
            x = self.up[n](x, skips[n], style)
            # The map of the first level has the full size already.
            if n:
                x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
        return x
