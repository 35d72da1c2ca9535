"""The main window: menus, bars, start."""
