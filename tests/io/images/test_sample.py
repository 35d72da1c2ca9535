"""The image to try the application on."""

from __future__ import annotations

from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.images.sample import sample_path


def test_the_sample_is_an_image_that_opens():
    [image] = open_images(sample_path())
    assert image.label_shape == (303, 384)
    assert (image.channels, image.rgb) == (1, False)
    assert image.plane(0, 0, 0).max() > 200
