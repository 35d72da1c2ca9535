"""Guessing the diameter from a style."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.core.errors import ModelUnusable
from cellpose_studio.engine.networks.size_model import (
    SIZES,
    SizeModel,
    find_size_model,
    fit_size_model,
    load_size_model,
    part_for_style,
    save_size_model,
)


def gratings(width: float, seed: int = 0) -> np.ndarray:
    """Noise with features of ``width`` px, as (Y, X, 1)."""
    from scipy.ndimage import gaussian_filter

    noise = np.random.default_rng(seed).normal(size=(400, 420))
    smooth = gaussian_filter(noise, width / 4)
    return (smooth / smooth.std()).astype(np.float32)[..., None]


def spectrum(image: np.ndarray) -> np.ndarray:
    """A style: how much two pixels differ, by the logarithm of their distance."""
    plane = image[..., 0]
    steps = [1, 2, 3, 5, 8, 12]
    near = [np.abs(plane[:, n:] - plane[:, :-n]).mean() for n in steps]
    style = np.log(np.array(near) + 1e-6)
    return np.concatenate([style, style**2]) / 10


@pytest.fixture(scope="module")
def model():
    widths = [12.0, 20.0, 32.0]
    images = [gratings(width, n) for n, width in enumerate(widths)]
    return fit_size_model(images, widths, spectrum, 20.0, lambda: None)


@pytest.mark.parametrize("width", [9.0, 16.0, 24.0, 45.0])
def test_the_size_of_what_is_in_an_image_is_guessed(model, width):
    guess = model.diameter(spectrum(gratings(width, seed=9)))
    assert guess == pytest.approx(width, rel=0.25)


def test_the_same_images_give_the_same_numbers(model):
    widths = [12.0, 20.0, 32.0]
    images = [gratings(width, n) for n, width in enumerate(widths)]
    again = fit_size_model(images, widths, spectrum, 20.0, lambda: None)
    np.testing.assert_array_equal(model.weights, again.weights)


def test_learning_stops_when_it_is_told_to():
    checkpoint = Checkpoint()
    checkpoint.stop()
    with pytest.raises(Cancelled):
        fit_size_model([gratings(12)], [12], spectrum, 20.0, checkpoint.check)


@given(st.floats(-1e6, 1e6))
def test_no_style_gives_a_diameter_beyond_what_was_learnt(value):
    model = SizeModel(
        weights=np.ones(3), mean_style=np.zeros(3), mean_log=0.1, diam_mean=17.0
    )
    low, high = (17.0 * size for size in SIZES)
    assert low <= model.diameter(np.full(3, value)) * (1 + 1e-9)
    assert model.diameter(np.full(3, value)) <= high * (1 + 1e-9)


def test_a_size_model_is_read_as_it_was_written(model, tmp_path):
    path = tmp_path / "m.size.npz"
    save_size_model(model, path)
    read = load_size_model(path)
    np.testing.assert_array_equal(read.weights, model.weights)
    np.testing.assert_array_equal(read.mean_style, model.mean_style)
    assert (read.mean_log, read.diam_mean) == (model.mean_log, model.diam_mean)


@pytest.mark.parametrize("damage", ["nothing", "text", "half", "pickle", "other"])
def test_a_file_that_is_none_is_refused(model, tmp_path, damage):
    path = tmp_path / "m.size.npz"
    save_size_model(model, path)
    content = path.read_bytes()
    path.write_bytes(
        {"nothing": b"", "text": b"hello", "half": content[: len(content) // 2]}.get(
            damage, content
        )
    )
    if damage == "pickle":
        np.savez(path, weights=np.array([print], dtype=object))
    if damage == "other":
        np.savez(path, weights=np.zeros(3))
    with pytest.raises(ModelUnusable, match=r"m\.size\.npz is damaged, or not a size"):
        load_size_model(path)


def test_of_a_large_image_the_part_with_the_most_in_it_is_looked_at():
    image = np.zeros((1000, 900, 1), np.float32)
    image[700:720, 800:830] = 1
    part = part_for_style(image)
    assert part.shape[:2] == (256, 256)
    assert part.any()
    small = np.zeros((50, 60, 2), np.float32)
    assert part_for_style(small).shape == small.shape


@pytest.mark.parametrize(
    "wrong",
    [
        {"weights": np.array([1.0, np.nan])},
        {"mean_style": np.array([1.0, np.inf])},
        {"mean_log": np.nan},
        {"diam_mean": 0.0},
        {"diam_mean": np.nan},
        {"diam_mean": 1e9},
        {"diam_mean": 17 + 1j},
        {"weights": np.ones(3)},
        {"weights": np.ones((2, 1)), "mean_style": np.ones((2, 1))},
        {"weights": np.ones(1 << 22), "mean_style": np.ones(1 << 22)},
    ],
    ids=str,
)
def test_wrong_numbers_are_refused(tmp_path, wrong):
    right = {"weights": np.ones(2), "mean_style": np.ones(2), "mean_log": 0.1}
    path = tmp_path / "m.size.npz"
    np.savez_compressed(path, **right | {"diam_mean": 17.0} | wrong)
    with pytest.raises(ModelUnusable, match=r"m\.size\.npz is damaged, or not a size"):
        load_size_model(path)


def of_cellpose(path, size=8, **changes):
    """Write a size model as Cellpose 1-3 does, a pickled dictionary."""
    random = np.random.default_rng(4)
    values = {
        "A": random.normal(size=size),
        "smean": random.normal(size=size),
        "diam_mean": np.float64(30.0),
        "ymean": np.float64(0.2),
    }
    np.save(path, values | changes)
    return values | changes


def test_a_size_model_of_cellpose_gives_cellposes_estimate(tmp_path):
    path = tmp_path / "size_cytotorch_0.npy"
    stored = of_cellpose(path)
    model = load_size_model(path)
    assert model.whole_image
    for seed in range(5):
        style = np.random.default_rng(seed).normal(size=8) / 3
        # models.SizeModel._size_estimation of 3.1.1.3
        expected = np.exp(
            stored["A"] @ (style - stored["smean"]).T
            + np.log(stored["diam_mean"])
            + stored["ymean"]
        )
        assert model.diameter(style) == pytest.approx(expected)


@pytest.mark.parametrize(
    "changes",
    [{"A": np.ones((1, 8)), "smean": np.ones((1, 8))}, {"ymean": np.array([0.2])}],
    ids=str,
)
def test_numbers_in_arrays_are_read_as_well(tmp_path, changes):
    of_cellpose(tmp_path / "size_a.npy", **changes)
    assert load_size_model(tmp_path / "size_a.npy").weights.shape == (8,)


class _Bomb:
    def __reduce__(self):
        return (print, ("boom",))

    def __repr__(self) -> str:
        # The name of a test has to be the same in each process.
        return "bomb"


@pytest.mark.parametrize(
    "changes",
    [
        {"A": _Bomb()},
        {"A": np.ones(3)},
        {"A": np.array([print], dtype=object)},
        {"diam_mean": 0},
        {"ymean": "much"},
        {"ymean": np.nan},
        {"smean": None},
    ],
    ids=str,
)
def test_a_bad_size_model_of_cellpose_is_refused_and_runs_no_code(
    tmp_path, capsys, changes
):
    path = tmp_path / "size_a.npy"
    of_cellpose(path, **changes)
    with pytest.raises(ModelUnusable, match=r"size_a\.npy is damaged, or not a size"):
        load_size_model(path)
    assert "boom" not in capsys.readouterr().out


def test_the_size_model_beside_or_in_cellposes_folder_is_found(tmp_path, monkeypatch):
    weights = tmp_path / "cyto3"
    assert find_size_model(weights) is None
    other = tmp_path / "other"
    other.mkdir()
    of_cellpose(other / "size_cyto3.npy")
    monkeypatch.setenv("CELLPOSE_LOCAL_MODELS_PATH", str(other))
    assert find_size_model(weights) is None
    assert find_size_model(other / "cyto3") == other / "size_cyto3.npy"
    for name in ("size_cyto3.npy", "cyto3_size.npy", "cyto3.size.npz"):
        (tmp_path / name).touch()
        assert find_size_model(weights) == tmp_path / name
