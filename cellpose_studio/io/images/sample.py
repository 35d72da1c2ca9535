"""The sample image: coins, which scikit-image ships."""

from __future__ import annotations

from pathlib import Path


def sample_path() -> Path:
    """Return the file of the sample image, one grey plane of 303 × 384 pixels.

    Greek coins from Pompeii, Brooklyn Museum Collection, no known copyright.
    """
    # This import is cheap: scikit-image loads its submodules lazily.
    import skimage

    return Path(skimage.__file__).with_name("data") / "coins.png"
