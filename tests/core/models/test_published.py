"""The data file of Cellpose's published models."""

from __future__ import annotations

import json

import pytest

from cellpose_studio.core.models.architecture import ARCHITECTURES
from cellpose_studio.core.models.papers import PAPERS
from cellpose_studio.core.models.published import DATA_FILE, parse_published
from cellpose_studio.engine.networks.loaders import LOADERS
from cellpose_studio.paths import resource

TEXT = resource(DATA_FILE).read_text(encoding="utf-8")
MODELS = parse_published(TEXT)

CELLPOSE_4 = ["cpsam_v2", "cpdino", "cpdino-vitb", "cpsam"]
CELLPOSE_3 = [
    *("cyto3", "nuclei", "cyto2", "cyto", "cyto2_cp3", "tissuenet_cp3", "CP", "CPx"),
    *("livecell_cp3", "yeast_PhC_cp3", "yeast_BF_cp3", "bact_phase_cp3"),
    *("bact_fluor_cp3", "deepbacs_cp3", "neurips_cellpose_default", "TN1", "TN2"),
    *("neurips_grayscale_cyto2", "neurips_cellpose_transformer", "transformer_cp3"),
    *("TN3", "LC1", "LC2", "LC3", "LC4"),
]
CELLPOSE_2 = ["tissuenet", "livecell", "general"]
RESTORING = [
    f"{what}_{model}"
    for what in ("denoise", "deblur", "upsample", "oneclick")
    for model in ("cyto3", "cyto2", "nuclei")
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_each_model_can_be_loaded_and_says_what_a_user_wants_to_know(model):
    assert model.architecture in ARCHITECTURES
    assert model.architecture in LOADERS
    assert model.paper in PAPERS
    assert model.purpose.endswith(".")
    assert model.licence.endswith(".")
    assert model.non_commercial == ("non-commercial" in model.licence)
    assert (len(model.files) > 1) == (model.architecture == "unet-average")
    assert model.diam_mean == (17.0 if "nuclei" in model.name else 30.0)
    for file in model.downloads:
        assert file.url.startswith("https://")
        assert file.url.endswith(f"/{file.name}")
        assert bool(file.sha256) == bool(file.sha256_from)
    if model.refused:
        assert model.refused[0].islower()
        assert model.refused.endswith(".")


def test_all_models_of_all_generations_are_there():
    names = [model.name for model in MODELS]
    assert len(set(names)) == len(names)
    for known in (CELLPOSE_4, CELLPOSE_3, CELLPOSE_2, RESTORING):
        assert set(known) <= set(names)


def test_transformers_of_cellpose_3_are_refused_and_restoring_networks_find_no_cells():
    for model in MODELS:
        restores = model.kind == "restoration"
        assert model.architecture_info.restores is restores
        assert bool(model.refused) is ("transformer" in model.name)
        assert model.runs_here is not (restores or bool(model.refused))


def test_a_file_has_one_address_and_one_hash_wherever_it_is_named():
    known = {}
    for model in MODELS:
        for file in model.downloads:
            assert known.setdefault(file.name, file) == file


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("name", "../evil"),
        ("name", ".hidden"),
        ("url", "http://www.cellpose.org/models/cyto3"),
        ("url", "https://me:secret@www.cellpose.org/models/cyto3"),
        ("sha256", "abc"),
        ("size", 0),
    ],
)
def test_a_file_that_would_not_be_safe_makes_the_list_invalid(where, value):
    content = json.loads(TEXT)
    content["models"][0]["files"][0][where] = value
    with pytest.raises(ValueError, match=where):
        parse_published(json.dumps(content))
