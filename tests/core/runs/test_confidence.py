"""How sure a network is, and what a user is told when it is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellpose_studio.core.display.label_marks import apply_ranks
from cellpose_studio.core.display.label_picture import COLOURS, draw_labels, ranks_of
from cellpose_studio.core.models.card import ModelCard
from cellpose_studio.core.models.model import AUTOMATIC_MODEL, ModelSpec
from cellpose_studio.core.runs.confidence import CellConfidence, Confidence
from cellpose_studio.core.runs.hints import NO_HINT, hint_for


def confidence(errors, probabilities, candidates=0, misfits=0) -> Confidence:
    """Cells 3, 6, 9 … of 10, 20, 30 … pixels."""
    count = len(errors)
    return Confidence(
        ids=np.arange(3, 3 * count + 1, 3, dtype=np.uint32),
        pixels=np.arange(10, 10 * count + 1, 10),
        flow_errors=np.array(errors, float),
        probabilities=np.array(probabilities, float),
        candidates=candidates or count,
        misfits=misfits,
    )


def model(name: str, purpose: str = "") -> ModelSpec:
    return ModelSpec(
        name=name,
        path=Path(name),
        architecture="unet",
        sha256=name,
        input_channels=2,
        diam_mean=30.0,
        diam_labels=30.0,
        title=name.title(),
        card=ModelCard(purpose=purpose) if purpose else None,
    )


MODELS = [model("nuclei", "nuclei"), model("phase", "whole cells"), model("mine")]


def test_a_cell_is_found_by_its_id():
    sure = confidence([0.1, 0.2], [0.9, 0.8])
    assert sure.of(6) == CellConfidence(20, 0.2, 0.8)
    assert [sure.of(cell) for cell in (0, 4, 7, 2**32 - 1)] == [None] * 4


def test_cells_that_fit_badly_or_are_improbable_are_uncertain():
    sure = confidence([0.0, 0.5, 0.1, np.nan], [0.99, 0.99, 0.4, 0.99])
    assert sure.uncertain.tolist() == [False, True, True, False]


@given(
    st.lists(
        st.tuples(st.floats(0, 3) | st.just(float("nan")), st.floats(0, 1)), max_size=9
    )
)
def test_scores_tell_the_uncertain_cells_from_the_others(cells):
    sure = confidence([c[0] for c in cells], [c[1] for c in cells])
    assert ((sure.scores >= 0) & (sure.scores <= 1)).all()
    assert (sure.scores[sure.uncertain] <= 0.5 + 1e-9).all()
    assert (sure.scores[~sure.uncertain] >= 0.5 - 1e-9).all()


def test_the_medians_of_no_cells_are_not_known():
    assert np.isnan(confidence([], []).medians()).all()
    assert confidence([0.1, 0.3], [0.5, 0.9]).medians() == pytest.approx((0.2, 0.7))


def test_uncertainty_is_a_colour_of_each_cell_and_outlines_stay():
    labels = np.zeros((6, 9), np.uint32)
    labels[:, :4], labels[:, 5:] = 3, 6
    sure = confidence([0.0, 3.0], [1.0, 1.0])
    ranks = ranks_of(sure.ids, sure.scores)
    drawn = draw_labels(labels)
    apply_ranks(drawn, labels, ranks)
    assert set(np.unique(drawn[:, :4] & 0x7F)) == {COLOURS}
    assert set(np.unique(drawn[:, 5:] & 0x7F)) == {1}
    assert not drawn[:, 4].any()
    np.testing.assert_array_equal(drawn & 0x80, draw_labels(labels) & 0x80)


def test_a_good_result_needs_no_hint():
    hint = hint_for(confidence([0.1] * 5, [0.9] * 5, 7, 2), MODELS[0], MODELS)
    assert not hint
    assert hint == NO_HINT
    assert (hint.in_window(), hint.in_command_line()) == ("", "")


def test_no_cells_are_a_reason_to_try_another_model():
    hint = hint_for(confidence([], [], 0), MODELS[0], MODELS)
    assert hint.models == (MODELS[1],)
    assert not hint.proposes_automatic
    assert hint.in_window() == (
        "No cells were found. Nuclei looks for nuclei. Try Phase, or check the "
        "diameter and the channels."
    )
    assert hint.in_command_line() == (
        "No cells were found. Nuclei looks for nuclei. Try --model phase, or check "
        "--diameter and --channels."
    )


def test_what_chooses_among_the_models_is_named_instead_of_them():
    facts = {"name": AUTOMATIC_MODEL, "source": "shipped", "card": None}
    automatic = MODELS[0].model_copy(update=facts)
    hint = hint_for(confidence([], [], 0), MODELS[0], [*MODELS, automatic])
    assert hint.models == (automatic,)
    assert hint.proposes_automatic
    assert hint.in_window() == (
        "No cells were found. Nuclei looks for nuclei. Try Automatic, which takes the "
        "model that suits the image, or check the diameter and the channels."
    )
    assert hint.in_command_line() == (
        "No cells were found. Nuclei looks for nuclei. Try --model auto, which takes "
        "the model that suits the image, or check --diameter and --channels."
    )


def test_cells_that_were_left_out_as_doubtful_are_one_setting_away():
    sure = replace(confidence([0.1] * 5, [0.9] * 5), doubtful=2)
    hint = hint_for(sure, MODELS[0], MODELS)
    said = (
        "2 cells were left out, since the network was sure of hardly any, as where "
        "there are none. To see them, "
    )
    assert hint.in_window() == (
        f"{said}set Finish cells, in Advanced, to Exactly Cellpose."
    )
    assert hint.in_command_line() == f"{said}add --postprocessing cellpose."
    assert not hint.models


def test_the_words_of_the_window_name_no_option_of_the_command_line():
    automatic = MODELS[0].model_copy(
        update={"name": AUTOMATIC_MODEL, "source": "shipped", "card": None}
    )
    bad = replace(confidence([0.1] * 3, [0.9] * 3, 10, 7), doubtful=1)
    for others in (MODELS, [*MODELS, automatic], []):
        for set_to in (None, 200.0):
            hint = hint_for(bad, MODELS[1], others, set_to, 42.6)
            assert "--" not in hint.in_window()
            assert "Advanced" not in hint.in_command_line()
            assert "Automatic" not in hint.in_command_line()


def test_cells_that_do_not_fit_their_flows_are_a_reason():
    hint = hint_for(
        confidence([0.1] * 3, [0.9] * 3, 10, 7), MODELS[1], MODELS
    ).in_window()
    assert hint.startswith("0 of 3 cells are uncertain, and 7 more cells were left out")
    assert "unlike those that Phase has seen. Try Nuclei, or" in hint


def test_uncertain_cells_count_once_beside_those_that_do_not_fit():
    sure = confidence([0.1, 0.3, 0.9, 0.1], [0.9, 0.9, 0.9, 0.2], 10, 4)
    assert sure.unsure == 4 + 2
    # One that does not fit is among the cells, so three were left out.
    assert hint_for(sure, MODELS[0], MODELS).reason.startswith(
        "3 of 4 cells are uncertain, and 3 more cells were left out as unlike their"
    )


def test_a_diameter_far_from_the_measured_one_is_named_first():
    sure = confidence([0.1] * 3, [0.9] * 3, 10, 7)
    hint = hint_for(sure, MODELS[1], MODELS, 200.0, 42.6)
    said = (
        "The diameter was set to 200 px, but the cells of this image measure about "
        "42.6 px."
    )
    assert hint.in_window().startswith(
        f"{said} Choose Automatic, or set the diameter anew. 0 of 3 cells are"
    )
    assert hint.in_command_line().startswith(
        f"{said} Leave --diameter out, or set it anew. 0 of 3 cells are"
    )
    assert hint.models == ()
    for set_to, measured in ((50.0, 42.6), (None, 42.6), (200.0, None)):
        assert (
            "unlike those that Phase has seen"
            in hint_for(sure, MODELS[1], MODELS, set_to, measured).in_window()
        )
    assert not hint_for(confidence([0.1], [0.9]), MODELS[1], MODELS, 200.0, 42.6)


def test_cells_that_are_gone_do_not_count():
    sure = confidence([0.1, 0.9, 0.9, 0.9], [0.9] * 4, 4, 3)
    hint = hint_for(sure, MODELS[0], MODELS)
    assert hint.reason.startswith("3 of 4 cells are uncertain:")
    now = sure.among(np.array([3, 9], np.uint32))
    assert now.ids.tolist() == [3, 9]
    assert now.uncertain.tolist() == [False, True]


@pytest.mark.parametrize(("candidates", "misfits"), [(10, 5), (3, 3)])
def test_half_of_them_or_a_few_are_none(candidates, misfits):
    sure = confidence([0.1], [0.9], candidates, misfits)
    assert not hint_for(sure, MODELS[0], MODELS)


def test_a_model_without_a_card_or_company_is_told_of_in_short():
    hint = hint_for(confidence([], []), MODELS[2], [MODELS[2]])
    assert hint.in_window() == (
        "No cells were found. Try another model, or check the diameter and the "
        "channels."
    )


def test_cells_that_a_person_decided_on_have_the_colour_of_certain_ones():
    sure = confidence([3.0, 0.0], [1.0, 1.0])
    ranks = ranks_of(sure.ids, sure.scores, certain=[3, 9])
    assert ranks[[3, 6, 9]].tolist() == [COLOURS] * 3
    assert ranks_of(sure.ids, sure.scores)[3] == 1
