#!/bin/sh
# Takes back what install.sh registered. Projects, models and settings stay; so does
# this folder, which you can delete afterwards.
set -eu

data=${XDG_DATA_HOME:-$HOME/.local/share}
registered=$data/cellpose-studio/registered-files

if [ -f "$registered" ]; then
    while IFS= read -r file; do
        rm -f "$file"
    done <"$registered"
    rm -f "$registered"
fi

update-mime-database "$data/mime" 2>/dev/null || true
update-desktop-database "$data/applications" 2>/dev/null || true
gtk-update-icon-cache -q -t "$data/icons/hicolor" 2>/dev/null || true

echo "Cellpose Studio is no longer in your menu. You can delete $(cd "$(dirname "$0")" && pwd -P)."
