"""What comes of work that may end after its project was left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cellpose_studio.app.jobs import Job
from cellpose_studio.app.session.session import Session

Call = Callable[..., object]


def while_open(session: Session, call: Call, late: Call | None = None) -> Call:
    """Return what passes calls on for as long as the present project is open.

    For results and errors of jobs. Another project may have images and revisions with
    the same ids, so that nothing of the one before may be put there, nor shown.

    Parameters
    ----------
    late
        Called without arguments in place of ``call``, once another project is open.
    """
    project = session.project

    def pass_on(*values: Any) -> None:
        if session.project is project:
            call(*values)
        elif late is not None:
            late()

    return pass_on


def cancel_once_left(session: Session, job: Job) -> None:
    """Cancel a job when another project is opened: nobody waits for it then."""
    session.project_changed.connect(job.cancel)
    job.ended.connect(lambda: session.project_changed.disconnect(job.cancel))
