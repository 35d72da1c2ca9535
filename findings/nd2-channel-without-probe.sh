#!/usr/bin/env bash
# nd2 0.12.0: metadata of a channel without a fluorescent probe raise UnboundLocalError.
#
# Guess: a plane without `pFluorescentProbe` has no wavelengths, which are None then.
# Seen: `_get_excitation` assigns `excitation` only where there is a probe, and asks for
# it always; `_get_emission` is alike. `ND2File.metadata` of such a file raises, and so do
# `voxel_size` and all else that needs it, while its pixels can be read.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q nd2==0.12.0

cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
from nd2._parse._parse import _read_wavelengths

probe = {"pFluorescentProbe": {"m_ExcitationSpectrum": {}}}
print("with a probe:", _read_wavelengths({"uiCompCount": 1, **probe}, 0))
try:
    print("without:", _read_wavelengths({"uiCompCount": 1}, 0))
except UnboundLocalError as error:
    print("without:", error)
else:
    raise SystemExit("nd2 has changed")
PYTHON
