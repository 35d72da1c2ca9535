"""How to make masks again, or tell of it, from the record of their run.

All are functions of a `RunRecord` and of the edits that came after the run.
"""

from cellpose_studio.core.recipes.command import as_command
from cellpose_studio.core.recipes.edits import in_force, in_words
from cellpose_studio.core.recipes.json_text import as_json
from cellpose_studio.core.recipes.methods import as_methods
from cellpose_studio.core.recipes.script import as_script

__all__ = [
    "as_command",
    "as_json",
    "as_methods",
    "as_script",
    "in_force",
    "in_words",
]
