"""Recipes that reproduce or describe masks, from the record of their run.

Most are functions of a `RunRecord` and of what was done by hand.
"""

from cellpose_studio.core.recipes.command import as_command
from cellpose_studio.core.recipes.edits import describe_edits, effective_edits
from cellpose_studio.core.recipes.json_text import as_json
from cellpose_studio.core.recipes.methods import (
    MadeMasks,
    as_methods,
    as_methods_of_images,
)
from cellpose_studio.core.recipes.script import as_script

__all__ = [
    "MadeMasks",
    "as_command",
    "as_json",
    "as_methods",
    "as_methods_of_images",
    "as_script",
    "describe_edits",
    "effective_edits",
]
