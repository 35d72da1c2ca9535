"""Puts a trained weight file among the models that ship, with its card.

.venv/bin/python packaging/ship_model.py WEIGHTS NAME --title … --description …
"""

import argparse
import json
import shutil
from pathlib import Path

from cellpose_studio.engine.weights import inspect

MODELS = Path(__file__).parents[1] / "resources" / "models"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", type=Path)
    parser.add_argument("name", help="of the file and of the model")
    parser.add_argument("--title", required=True, help="what the user sees")
    parser.add_argument("--description", required=True, help="what it is for")
    parser.add_argument("--licence", default="GPL-3.0-or-later")
    options = parser.parse_args()
    facts = inspect(options.weights).model_dump(
        include={"architecture", "sha256", "input_channels", "diam_mean", "diam_labels"}
    )
    words = {k: getattr(options, k) for k in ("title", "description", "licence")}
    MODELS.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(options.weights, MODELS / options.name)
    card = MODELS / f"{options.name}.json"
    text = json.dumps(words | facts, indent=2, ensure_ascii=False)
    card.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
