"""Read and render the recipe with what conda-forge builds with, or say what is wrong.

Nothing is built, since that takes packages that lie on conda-forge.
"""

from __future__ import annotations

import sys
from pathlib import Path

from rattler_build import RattlerBuildError, Stage0Recipe

FILE = Path(__file__).with_name("recipe.yaml")

try:
    (variant,) = Stage0Recipe.from_file(FILE).render()
except RattlerBuildError as error:
    sys.exit(f"packaging/conda/recipe.yaml: {error}")
recipe = variant.recipe.to_dict()
package, wanted = recipe["package"], recipe["requirements"]
print(f"{package['name']} {package['version']}, {recipe['build']['string']}")
print(f"{len(wanted['host'])} packages to build it, {len(wanted['run'])} to run it.")
