"""What runs networks on the processor, chosen in the window."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QComboBox

from cellpose_studio.engine.versions import has_openvino


def offered(window) -> QComboBox | None:
    return window.segment.widget().findChild(QComboBox, "engine")


def test_the_engine_is_offered_where_there_is_a_choice(window):
    assert (offered(window) is not None) is has_openvino()


@pytest.mark.slow
@pytest.mark.skipif(not has_openvino(), reason="it is an optional package")
def test_a_run_uses_and_records_the_engine_that_was_chosen(user, cells):
    user.open(cells("a.tif"))
    engine = offered(user.window)
    engine.setCurrentIndex(engine.findData("openvino"))
    image = user.run()
    assert image.masks.cells == 12
    assert image.masks.record.engine == "openvino"
    assert "openvino" in image.masks.record.versions
    assert user.window.services.settings.engine == "openvino"
