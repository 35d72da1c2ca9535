#!/usr/bin/env bash
# Cellpose 2.2.3: a network without style, saved under the name that Cellpose itself gives
# it, is opened as one with style, and gives other flows without a word.
#
# Guess before: `CellposeModel.net_type` names the variant (`…style_off…`), training puts it
# into the name of the file, and opening that file reads it from there, so the flows are
# those of the network that was saved.
# Seen: the reader looks for "concatentation", and the writer writes "concatenation". The
# flows of the opened network are other ones. With the misspelt name they are the same.
# What it means: networks trained with `--style_on 0` were never used as they were trained,
# unless somebody gave the file that name. A program that reads the variant from a well
# spelt name gets other masks than 2.2.3 did. (With `--concatenation 1` or
# `--residual_on 0`, the weights do not fit, and the opening fails.)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q numpy==2.4.6 scipy==1.17.1 natsort==8.4.0 tqdm==4.70.1 \
    tifffile==2026.3.3 numba==0.68.1 opencv-python-headless==5.0.0.93 fastremap==1.21.0 \
    roifile==2026.2.10 torch==2.13.0 >&2
"$folder/venv/bin/pip" install -q --no-deps cellpose==2.2.3 >&2
cd "$folder"
export CELLPOSE_LOCAL_MODELS_PATH="$folder/models"
"$folder/venv/bin/python" - 2>"$folder/log" <<'PYTHON'
import numpy as np
import torch
from cellpose.models import CellposeModel


def flows(model):
    image = np.random.default_rng(0).random((1, 2, 64, 64)).astype(np.float32)
    return model.network(image)[0]


torch.manual_seed(0)
trained = CellposeModel(gpu=False, style_on=False)
trained.net.eval()
file = f"cellpose_{trained.net_type.removeprefix('cellpose_')}"
print("its name:", file)
trained.net.save_model(file)
misspelt = file.replace("concatenation", "concatentation")
trained.net.save_model(misspelt)

for name in (file, misspelt):
    opened = CellposeModel(gpu=False, pretrained_model=name)
    off = np.abs(flows(opened) - flows(trained)).max() / np.abs(flows(trained)).max()
    print(f"opened as {name}: style {opened.net.style_on}, differs by {off:.1g}")
    assert opened.net.style_on is (name == file)
    assert bool(off > 1e-3) == (name == file)
PYTHON
