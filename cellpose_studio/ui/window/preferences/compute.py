"""The page about what runs networks: device, threads, precision, cluster."""

from __future__ import annotations

import os

from qtpy.QtWidgets import QLabel

from cellpose_studio.app.failures import failure_of
from cellpose_studio.app.jobs import Job
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.runs.compute import FASTEST
from cellpose_studio.engine.versions import has_openvino
from cellpose_studio.io.storage import (
    FLOWS,
    Cleared,
    clear,
    room_text,
    size_of,
    storage_named,
)
from cellpose_studio.ui.services import Services
from cellpose_studio.ui.window.preferences.fields import Amount, Choice
from cellpose_studio.ui.window.preferences.page import Page, button, note, row
from cellpose_studio.ui.window.preferences.scheduler_form import SchedulerForm

_NAMES = (
    "device",
    "threads",
    "precision",
    "engine",
    "scheduler",
    "shared_folder",
    "cluster_config",
)
_ABOUT = "For runs that start from now on. The record of each run says what it used."
_SHORT = (
    "If the memory of a graphics card is short, a run goes on with half as many tiles "
    "at once, down to a single one. If not even that fits, the CPU does the run. The "
    "message above the image says so, and so does the record of the run."
)
_NO_CARD = (
    "No graphics card was found that PyTorch can use. The models that come with this "
    "program need none."
)

Listed = list[tuple[str, str, str]]


class ComputePage(Page):
    """Device, threads, precision, engine, a test of them, flows, cluster."""

    def __init__(self, services: Services) -> None:
        super().__init__(services.settings, _NAMES)
        self._services = services
        self._trial: Job | None = None
        self._runs()
        self._flows()
        self.scheduler = SchedulerForm(services.settings)
        self.group("Cluster").addRow(self.scheduler)
        self.finish()

    def refresh(self) -> None:
        """List the devices with their memory, and measure the flows."""
        jobs, run = self._services.warm_up_jobs, self._services.run
        run("Looking for devices", _devices, self._list, quiet=True, queue=jobs)
        run("Measuring flows", _size_of_flows, self._show_size, quiet=True, queue=jobs)

    def reset(self) -> None:
        """Set all back to the defaults, the texts about the cluster, too."""
        super().reset()
        self.scheduler.show_settings()

    def shut_down(self) -> None:
        """Stop a test and a check of the cluster, and keep the texts."""
        if self._trial is not None:
            self._trial.cancel()
        self.scheduler.shut_down()

    def _runs(self) -> None:
        settings = self.settings
        self.device = Choice(
            settings,
            "device",
            [("The fastest", FASTEST)],
            "Device",
            "What runs the networks. A graphics card is many times faster with models "
            "of Cellpose 4; the small models are fast on the CPU, too.",
        )
        self._list([])
        self.memory = note("", "deviceMemory")
        self.threads = Amount(
            settings,
            "threads",
            os.cpu_count() or 1,
            "Threads of the CPU",
            "How many cores runs use. Fewer leave more to other programs. Automatic is "
            "all but one, which the window needs.",
        )
        self.threads.setSpecialValueText("Automatic")
        self.precision = Choice(
            settings,
            "precision",
            (
                ("Automatic: the fastest", ""),
                ("float32: the most exact", "float32"),
                ("bfloat16: half the memory", "bfloat16"),
            ),
            "Precision",
            "Of models of Cellpose 4. bfloat16 needs half the memory; a few pixels "
            "differ, and a CPU without units for it is ten times slower. Other models "
            "always run in float32.",
        )
        runs = self.group("Runs", _ABOUT)
        runs.addRow("&Device", self.device)
        runs.addRow(self.memory)
        runs.addRow("&Threads", self.threads)
        runs.addRow("&Precision", self.precision)
        if has_openvino():
            self.engine = Choice(
                settings,
                "engine",
                (("PyTorch", ""), ("OpenVINO", "openvino")),
                "Engine on the CPU",
                "What runs U-Nets on the CPU. OpenVINO takes a third less time; a few "
                "pixels of the masks may differ.",
            )
            runs.addRow("&Engine on the CPU", self.engine)
        runs.addRow(note(_SHORT))
        self.test = button(
            "Test de&vice",
            "testDevice",
            "Segment the sample on this device and on the CPU, and compare flows, "
            "cells and times. Takes some seconds.",
        )
        self.test.clicked.connect(lambda _: self._test())
        self.result = note("", "testResult")
        self.result.setAccessibleName("Result of the test")
        runs.addRow(row(self.test, self.result))

    def _flows(self) -> None:
        flows = self.group(
            "Flows that are kept",
            "With the flows of earlier runs, thresholds act at once, without a new "
            "run. They take at most 8 GB; the oldest go first.",
        )
        self.size = QLabel("…", objectName="flowsSize")
        self.clear = button(
            "Clear f&lows",
            "clearFlows",
            "Remove the flows that are kept. Masks stay; the thresholds of earlier "
            "runs need a new run then.",
        )
        self.clear.clicked.connect(lambda _: self._clear())
        flows.addRow(row(self.size, self.clear))

    def _list(self, devices: Listed) -> None:
        """Offer devices: names of torch, titles, texts about their memory."""
        fastest = f": {devices[0][1]}" if devices else ""
        offered = [(f"The fastest{fastest}", FASTEST)]
        offered += [(title, name) for name, title, _ in devices]
        chosen = self.settings.device
        if chosen not in [name for _, name in offered]:
            gone = " (not found; the fastest is used)" if devices else ""
            offered.append((f"{chosen}{gone}", chosen))
        self.device.offer(offered)
        if devices:
            texts = [f"{title}: {memory}." for _, title, memory in devices]
            texts += [_NO_CARD] if len(devices) == 1 else []
            self.memory.setText(" ".join(texts))

    def _test(self) -> None:
        if self._trial is not None:
            self._trial.cancel()
            return
        choice = self.settings.compute()

        def work(checkpoint: Checkpoint) -> str:
            # In the thread of the job: torch takes two seconds to import.
            from cellpose_studio.workflows.self_test.device_trial import try_device

            return try_device(choice, checkpoint).text

        job = self._trial = Job("Testing the device", work)
        job.finished.connect(self.result.setText)
        job.failed.connect(self._on_failed)
        job.cancelled.connect(lambda: self.result.setText("Cancelled."))
        job.ended.connect(self._on_ended)
        busy = bool(self._services.gpu_jobs.jobs)
        self.result.setText("Waits for a run to end." if busy else "Running twice …")
        self.test.setText("Stop te&sting")
        # It shares the device with the runs.
        self._services.gpu_jobs.start(job)

    def _on_failed(self, error: Exception) -> None:
        failure = failure_of(error)
        self.result.setText(f"{failure.message} {failure.hint}".strip())

    def _on_ended(self) -> None:
        self._trial = None
        self.test.setText("Test de&vice")

    def _show_size(self, size: int) -> None:
        self.size.setText(f"{room_text(size)} now.")
        self.clear.setEnabled(size > 0)

    def _clear(self) -> None:
        jobs, run = self._services.warm_up_jobs, self._services.run
        run("Clearing flows", _clear_flows, quiet=True, queue=jobs)
        run("Measuring flows", _size_of_flows, self._show_size, quiet=True, queue=jobs)


def _devices(_: Checkpoint) -> Listed:
    """Return torch's names of the devices, their titles, and texts about memory."""
    from cellpose_studio.engine.device import available_devices
    from cellpose_studio.engine.device_memory import memory_of

    found = []
    for device in available_devices():
        try:
            memory = memory_of(device)
            text = f"{room_text(memory.free)} of {room_text(memory.total)} free"
        # A driver that fails raises what it likes.
        except Exception as error:
            text = f"its memory cannot be asked for ({error})"
        found.append((device.name, device.title, text))
    return found


def _size_of_flows(checkpoint: Checkpoint) -> int:
    return size_of(storage_named(FLOWS), checkpoint)


def _clear_flows(checkpoint: Checkpoint) -> Cleared:
    return clear(storage_named(FLOWS), checkpoint)
