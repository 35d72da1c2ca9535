"""The checks that need the window: one record each, in the order of a user's work."""

from __future__ import annotations

from collections.abc import Callable

from cellpose_studio.ui.window.help.self_test import looks, work
from cellpose_studio.ui.window.help.self_test.launch import check_launch
from cellpose_studio.ui.window.help.self_test.stage import Stage
from cellpose_studio.workflows.self_test.check import REPORT_IT, Check, Found, Place

_LONG = 600.0


def window_checks(stage: Stage) -> list[Check]:
    """Return the checks that share the window of ``stage``."""

    def on(act: Callable[[Stage, Place], Found]) -> Callable[[Place], Found]:
        return lambda place: act(stage, place)

    return [
        Check(
            name="display",
            title="Display",
            shows="Qt can open windows.",
            advice="Start the program in a graphical session.",
            run=on(looks.check_display),
        ),
        Check(
            name="fonts",
            title="Fonts",
            shows="Letters can be told from each other.",
            advice="Install a font: on Debian and Ubuntu, fonts-dejavu-core.",
            run=on(looks.check_fonts),
            needs=("display",),
        ),
        Check(
            name="launch",
            title="Start as usual",
            shows="The program starts, and opens its sample.",
            advice=f"Install the program again. {REPORT_IT}",
            run=check_launch,
            needs=("display",),
            limit=_LONG,
        ),
        Check(
            name="window",
            title="Window",
            shows="The window opens.",
            advice=f"Install the program again. {REPORT_IT}",
            run=on(looks.check_window),
            needs=("display",),
            limit=_LONG,
        ),
        Check(
            name="warm_up",
            title="Preparation",
            shows="The code of runs and edits can be loaded, or is compiled.",
            advice=REPORT_IT,
            run=on(looks.check_warm_up),
            needs=("window",),
            limit=_LONG,
        ),
        Check(
            name="icons",
            title="Icons",
            shows="The icons of the window are there and can be drawn.",
            advice="Install the program again; its icons, or Qt's plugin for SVG, are "
            "missing.",
            run=on(looks.check_icons),
            needs=("window",),
        ),
        Check(
            name="picture",
            title="Picture",
            shows="The sample image opens and can be seen.",
            advice="Update the graphics driver.",
            run=on(looks.check_picture),
            needs=("window",),
        ),
        Check(
            name="opengl",
            title="OpenGL",
            shows="The graphics driver draws the image.",
            advice="Install or update the graphics driver; on Debian and Ubuntu, "
            "libgl1-mesa-dri.",
            run=on(looks.check_opengl),
            needs=("picture",),
        ),
        Check(
            name="segment",
            title="Segmentation",
            shows="The first model finds the cells of the sample image.",
            advice=REPORT_IT,
            run=on(work.check_segmentation),
            needs=("warm_up", "picture"),
            limit=_LONG,
        ),
        Check(
            name="edit",
            title="Edits",
            shows="The brush draws a cell, and a cell can be deleted.",
            advice=REPORT_IT,
            run=on(work.check_edits),
            needs=("segment",),
        ),
        Check(
            name="undo",
            title="Undo",
            shows="Undo gives the masks before, redo those after.",
            advice=REPORT_IT,
            run=on(work.check_undo),
            needs=("edit",),
        ),
        Check(
            name="export",
            title="Export",
            shows="Each format is written, and read as it was.",
            advice=REPORT_IT,
            run=on(work.check_export),
            needs=("segment",),
        ),
        Check(
            name="project",
            title="Project",
            shows="A project is saved, closed, and opened with the same masks.",
            advice=REPORT_IT,
            run=on(work.check_project),
            needs=("segment",),
        ),
        Check(
            name="replay",
            title="Replay",
            shows="The run of the project gives the same masks again.",
            advice=REPORT_IT,
            run=on(work.check_replay),
            needs=("project",),
            limit=_LONG,
        ),
    ]
