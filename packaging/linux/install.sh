#!/bin/sh
# Registers Cellpose Studio for this user: the menu entry, the file type, the command.
# The folder stays where it is; run it again after moving the folder.
set -eu

here=$(cd "$(dirname "$0")" && pwd -P)
data=${XDG_DATA_HOME:-$HOME/.local/share}
commands=$HOME/.local/bin
program=$here/cellpose-studio

# The quotes and escapes that the Desktop Entry Specification asks for.
quoted() {
    printf '"%s"' "$(printf '%s' "$1" | sed -e 's/[\\"`$]/\\&/g' -e 's/\\/\\\\/g' -e 's/%/%%/g')"
}

# Copies a folder of share/, and notes each file for the removal.
registered=$data/cellpose-studio/registered-files
mkdir -p "$data/cellpose-studio" "$commands"
: >"$registered"

(cd "$here/share" && find . -type f) | while IFS= read -r file; do
    place=$data/${file#./}
    mkdir -p "$(dirname "$place")"
    cp "$here/share/$file" "$place"
    printf '%s\n' "$place" >>"$registered"
done

# Menus and file managers may not search ~/.local/bin: they get the whole path. awk gets
# it by the environment, where it takes no escapes.
for file in applications/cellpose-studio.desktop \
    thumbnailers/cellpose-studio.thumbnailer; do
    [ -f "$here/share/$file" ] || continue
    command=$(quoted "$program") awk '
        /^Exec=/ { sub(/^Exec=[^ ]*/, ""); print "Exec=" ENVIRON["command"] $0; next }
        /^TryExec=/ { next }
        { print }' "$here/share/$file" >"$data/$file"
done

if [ ! -e "$commands/cellpose-studio" ] || [ -L "$commands/cellpose-studio" ]; then
    ln -sfn "$program" "$commands/cellpose-studio"
    printf '%s\n' "$commands/cellpose-studio" >>"$registered"
fi

# Each of them is missing on some desktops, which then look for themselves.
update-mime-database "$data/mime" 2>/dev/null || true
update-desktop-database "$data/applications" 2>/dev/null || true
gtk-update-icon-cache -q -t "$data/icons/hicolor" 2>/dev/null || true

echo "Cellpose Studio is in your menu of programs now. To remove it: $here/uninstall.sh"
