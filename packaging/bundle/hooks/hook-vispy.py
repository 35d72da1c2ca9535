"""Take vispy with its shaders and the window of Qt, and OpenGL as it calls it."""

from PyInstaller.utils.hooks import collect_data_files, collect_submodules

hiddenimports = [
    "vispy.app.backends._pyqt5",
    "vispy.app.backends._qt",
    "vispy.ext",
    "vispy.gloo.gl._pyopengl2",
    "vispy.gloo.gl.glplus",
    *collect_submodules("vispy.glsl"),
    *collect_submodules("vispy.visuals", filter=lambda name: ".tests" not in name),
]
datas = collect_data_files("vispy", excludes=["**/tests/**"])
