"""Which of the shipped models suits an image, by a quick look."""

from __future__ import annotations

import numpy as np
import pytest

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import ModelUnusable
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.core.runs.preparation.merge import Merge
from cellpose_studio.engine.estimates.quick_look import (
    Proposal,
    Recogniser,
    load_recogniser,
    save_recogniser,
)
from cellpose_studio.engine.networks.catalogue import find, shipped
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.paths import resource
from cellpose_studio.workflows.segment import segment
from tests.images import image_of

KINDS = {
    "2d_nuclei_fluo/nuc_2b50b1.tif": "nuclei-small",
    "2d_nuclei_histology_fields/histo_m03_row0.tif": "stained-small",
    "2d_nuclei_smear_bf/smear_2a1a29.tif": "stained-small",
    "2d_cells_phase/phase_set42_y256x256.tif": "phase-small",
    "2d_cells_qpi/qpi_dense_005.tif": "qpi-small",
}


def test_the_sentence_says_what_was_taken_why_and_how_sure_that_is():
    nuclei, phase = shipped()[:2]
    facts = {"model": nuclei, "other": phase, "other_chance": 0.02, "diameter": 17.2}
    sure = Proposal(chance=0.97, **facts)
    assert sure.sentence.startswith("Automatic took Nuclei (small) (97% sure): ")
    assert nuclei.card.purpose in sure.sentence
    assert sure.sentence.endswith("the cells look about 17 px wide.")
    doubtful = Proposal(chance=0.6, **facts | {"other_chance": 0.38})
    assert f"{phase.label} (38%); choose that yourself" in doubtful.sentence


def test_a_recogniser_that_was_written_gives_the_same_chances(tmp_path):
    rng = np.random.default_rng(0)
    one = Recogniser(
        network="a",
        sha256="of a",
        names=("a", "b"),
        mean=np.zeros(4),
        spread=np.ones(4),
        weights=rng.normal(size=(4, 2)),
        offsets=np.zeros(2),
    )
    styles = rng.normal(size=(3, 4))
    save_recogniser(one, tmp_path / "file")
    again = load_recogniser(tmp_path / "file")
    assert (again.network, again.sha256, again.names) == ("a", "of a", ("a", "b"))
    np.testing.assert_allclose(again.chances(styles), one.chances(styles), atol=1e-5)
    assert one.chances(styles).sum() == pytest.approx(1)


def test_what_chooses_was_fitted_to_the_network_that_ships():
    known = {model.name: model for model in shipped()}
    recogniser = load_recogniser(resource("models/automatic.npz"))
    assert recogniser.sha256 == known[recogniser.network].sha256
    assert set(recogniser.names) == known.keys()


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 no archive"])
def test_a_recogniser_that_is_none_is_refused_in_a_sentence(content, tmp_path):
    if content is not None:
        (tmp_path / "file").write_bytes(content)
    with pytest.raises(ModelUnusable, match="chooses among the models"):
        load_recogniser(tmp_path / "file")


def test_automatic_is_a_model_by_name_that_no_weight_file_has():
    model = find("auto")
    assert model.is_automatic
    assert not any(one.is_automatic for one in shipped())
    assert model.input_channels == shipped()[0].input_channels


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_automatic_takes_the_model_of_the_kind_and_gives_its_masks(name, shared_data):
    image = open_images(shared_data / name)[0]
    parameters, quiet = SegmentationParameters(), Checkpoint()
    result = segment(image, find("auto"), parameters, quiet)
    assert result.model.name == KINDS[name]
    assert result.automatic[0] == "model"
    assert result.model.label in result.notes[0]
    own = segment(image, find(KINDS[name]), parameters, quiet)
    np.testing.assert_array_equal(result.labels, own.labels)


@pytest.mark.slow
def test_a_blank_image_gets_a_model_and_no_cells(opened_blank):
    result = segment(opened_blank, find("auto"), SegmentationParameters(), Checkpoint())
    assert not result.labels.any()
    assert result.notes[0].startswith("Automatic took")


@pytest.fixture
def opened_blank(tmp_path):
    import tifffile

    tifffile.imwrite(tmp_path / "blank.tif", np.full((128, 128), 7, np.uint8))
    return open_images(tmp_path / "blank.tif")[0]


@pytest.mark.slow
def test_automatic_looks_at_the_image_as_the_network_will_see_it():
    y, x = np.indices((96, 128)) % 32 - 16
    plane = 100 + 2000 / (1 + np.exp(np.hypot(y, x) - 10))
    pixels = np.random.default_rng(0).poisson(np.stack([plane, plane]))
    image = image_of(pixels[None, :, None].astype(np.uint16))
    given = SegmentationParameters(preparation=(Merge(),))
    result = segment(image, find("auto"), given, Checkpoint())
    assert result.parameters.channels[0] == 3
    assert result.labels.max() == 12
