"""Commands of menus, buttons and keys."""
