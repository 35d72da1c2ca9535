"""The U-Net against Cellpose's published forward pass, spelled out here once more."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from cellpose_studio.engine.networks.unet import (
    UNet,
    concatenates,
    is_residual,
    widths_of,
)

Weights = dict[str, Tensor]

FULL = (2, 32, 64, 128, 256)
NARROW = (3, 4, 6, 8)


def shapes(
    widths: tuple[int, ...], concatenation: bool, residual: bool = True
) -> dict[str, tuple[int, ...]]:
    """Names and shapes in a weight file of Cellpose 1-3."""
    kind = "res" if residual else "conv"
    style = widths[-1]
    found: dict[str, tuple[int, ...]] = {"diam_mean": (1,), "diam_labels": (1,)}

    def norm(name: str, channels: int) -> None:
        for part in ("weight", "bias", "running_mean", "running_var"):
            found[f"{name}.{part}"] = (channels,)
        found[f"{name}.num_batches_tracked"] = ()

    def conv(name: str, inputs: int, outputs: int, kernel: int) -> None:
        found[f"{name}.weight"] = (outputs, inputs, kernel, kernel)
        found[f"{name}.bias"] = (outputs,)

    def unit(name: str, inputs: int, outputs: int) -> None:
        norm(f"{name}.0", inputs)
        conv(f"{name}.2", inputs, outputs, 3)

    def projection(name: str, inputs: int, outputs: int) -> None:
        norm(f"{name}.0", inputs)
        conv(f"{name}.1", inputs, outputs, 1)

    for n in range(len(widths) - 1):
        block, inputs, outputs = f"downsample.down.{kind}_down_{n}", *widths[n : n + 2]
        if residual:
            projection(f"{block}.proj", inputs, outputs)
        for k in range(4 if residual else 2):
            unit(f"{block}.conv.conv_{k}", outputs if k else inputs, outputs)

        inputs = widths[min(n + 2, len(widths) - 1)]
        block = f"upsample.up.{kind}_up_{n}"
        if residual:
            projection(f"{block}.proj", inputs, outputs)
        unit(f"{block}.conv.conv_0", inputs, outputs)
        for k in (1, 2, 3) if residual else (1,):
            seen = 2 * outputs if concatenation and k == 1 else outputs
            found[f"{block}.conv.conv_{k}.full.weight"] = (seen, style)
            found[f"{block}.conv.conv_{k}.full.bias"] = (seen,)
            unit(f"{block}.conv.conv_{k}.conv", seen, outputs)
    norm("output.0", widths[1])
    conv("output.2", widths[1], 3, 1)
    return found


def random_weights(
    widths: tuple[int, ...], concatenation: bool, residual: bool = True
) -> Weights:
    """Weights in which every number matters, and signals neither die nor explode."""
    generator = torch.Generator().manual_seed(7)
    weights: Weights = {}
    for name, shape in shapes(widths, concatenation, residual).items():
        if name.endswith("num_batches_tracked"):
            weights[name] = torch.tensor(5)
        elif name.endswith("running_var"):
            weights[name] = 0.5 + torch.rand(shape, generator=generator)
        else:
            fan_in = max(1, torch.Size(shape[1:]).numel())
            noise = torch.randn(shape, generator=generator)
            weights[name] = noise / fan_in**0.5
    return weights


def reference(
    w: Weights,
    pixels: Tensor,
    levels: int,
    concatenation: bool,
    residual: bool = True,
    style_on: bool = True,
) -> tuple[Tensor, Tensor]:
    """Cellpose's forward pass, by the names in its weight files."""

    def norm(name: str, x: Tensor) -> Tensor:
        mean, variance = w[f"{name}.running_mean"], w[f"{name}.running_var"]
        scale, shift = w[f"{name}.weight"], w[f"{name}.bias"]
        return functional.batch_norm(x, mean, variance, scale, shift, eps=1e-5)

    def conv(name: str, x: Tensor) -> Tensor:
        return functional.conv2d(
            x, w[f"{name}.weight"], w[f"{name}.bias"], padding="same"
        )

    def unit(name: str, x: Tensor) -> Tensor:
        return conv(f"{name}.2", functional.relu(norm(f"{name}.0", x)))

    def projected(block: str, x: Tensor) -> Tensor:
        return conv(f"{block}.proj.1", norm(f"{block}.proj.0", x))

    def styled(name: str, x: Tensor) -> Tensor:
        full = functional.linear(
            style * style_on, w[f"{name}.full.weight"], w[f"{name}.full.bias"]
        )
        return unit(f"{name}.conv", x + full.unsqueeze(-1).unsqueeze(-1))

    maps = []
    x = pixels
    kind = "res" if residual else "conv"
    for n in range(levels):
        block = f"downsample.down.{kind}_down_{n}"
        if n > 0:
            x = functional.max_pool2d(x, kernel_size=2, stride=2)
        inner = unit(f"{block}.conv.conv_1", unit(f"{block}.conv.conv_0", x))
        if residual:
            x = projected(block, x) + inner
            inner = unit(f"{block}.conv.conv_3", unit(f"{block}.conv.conv_2", x))
            x = x + inner
        else:
            x = inner
        maps.append(x)

    style = functional.avg_pool2d(x, kernel_size=x.shape[-2:]).flatten(1)
    style = style / torch.sum(style**2, dim=1, keepdim=True) ** 0.5

    for n in range(levels - 1, -1, -1):
        block = f"upsample.up.{kind}_up_{n}"
        if n < levels - 1:
            x = x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
        inner, skip = unit(f"{block}.conv.conv_0", x), maps[n]
        joined = torch.cat([skip, inner], 1) if concatenation else skip + inner
        if not residual:
            x = styled(f"{block}.conv.conv_1", joined)
            continue
        x = projected(block, x) + styled(f"{block}.conv.conv_1", joined)
        inner = styled(f"{block}.conv.conv_2", x)
        x = x + styled(f"{block}.conv.conv_3", inner)
    return unit("output", x), style


@pytest.mark.parametrize("concatenation", [False, True])
@pytest.mark.parametrize(
    ("widths", "tile"),
    [
        (FULL, (1, 64, 96)),
        (FULL, (2, 8, 8)),
        (NARROW, (1, 224, 224)),
        (NARROW, (3, 32, 20)),
        ((1, 5, 7), (2, 10, 6)),
    ],
)
def test_outputs_are_those_of_the_published_network(widths, tile, concatenation):
    weights = random_weights(widths, concatenation)
    net = UNet(widths, concatenation=concatenation).eval()
    net.load_state_dict(weights)
    count, height, width = tile
    noise = torch.Generator().manual_seed(11)
    pixels = torch.randn((count, widths[0], height, width), generator=noise)
    with torch.inference_mode():
        outputs, style = net(pixels)
        expected, expected_style = reference(
            weights, pixels, len(widths) - 1, concatenation
        )
    assert outputs.shape == (count, 3, height, width)
    assert expected.std() > 0.1
    torch.testing.assert_close(outputs, expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(style, expected_style)


@pytest.mark.parametrize("concatenation", [False, True])
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("style", [False, True])
def test_the_variants_of_cellpose_1_and_2_compute_what_it_published(
    concatenation, residual, style
):
    weights = random_weights(NARROW, concatenation, residual)
    assert is_residual(weights) is residual
    assert widths_of(weights) == NARROW
    assert concatenates(weights) is concatenation
    net = UNet(NARROW, concatenation=concatenation, residual=residual, style=style)
    net.load_state_dict(weights)
    noise = torch.Generator().manual_seed(11)
    pixels = torch.randn((2, NARROW[0], 16, 24), generator=noise)
    with torch.inference_mode():
        found = net.eval()(pixels)
        expected = reference(
            weights, pixels, len(NARROW) - 1, concatenation, residual, style
        )
        other = reference(
            weights, pixels, len(NARROW) - 1, concatenation, residual, not style
        )
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert (found[0] - other[0]).abs().max() > 0.05


def test_cellposes_own_models_have_313_entries_and_6610430_numbers():
    weights = UNet(FULL).state_dict()
    assert len(weights) == 313
    assert sum(tensor.numel() for tensor in weights.values()) == 6_610_430


@pytest.mark.parametrize("concatenation", [False, True])
@pytest.mark.parametrize("widths", [FULL, NARROW])
def test_names_and_shapes_are_those_of_the_weight_files(widths, concatenation):
    weights = UNet(widths, concatenation=concatenation).state_dict()
    found = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    assert found == shapes(widths, concatenation)


@pytest.mark.parametrize("concatenation", [False, True])
@pytest.mark.parametrize("widths", [FULL, NARROW])
def test_a_weight_file_tells_which_network_it_belongs_to(widths, concatenation):
    weights = random_weights(widths, concatenation)
    assert widths_of(weights) == widths
    assert concatenates(weights) is concatenation


def test_a_tile_does_not_depend_on_its_neighbours_in_the_batch():
    net = UNet(NARROW).eval()
    net.load_state_dict(random_weights(NARROW, concatenation=False))
    noise = torch.Generator().manual_seed(3)
    tiles = torch.randn((2, NARROW[0], 16, 16), generator=noise)
    with torch.inference_mode():
        together, alone = net(tiles)[0], net(tiles[1:])[0]
    torch.testing.assert_close(together[1:], alone, rtol=1e-4, atol=1e-4)


def test_every_block_is_listed_in_the_order_in_which_it_runs():
    net = UNet(NARROW).eval()
    ran = []
    for block in net.blocks:
        block.register_forward_pre_hook(lambda module, _: ran.append(module))
    with torch.inference_mode():
        net(torch.zeros((1, NARROW[0], 8, 8)))
    assert ran == net.blocks
    assert len(ran) == 2 * (len(NARROW) - 1)
