"""Tools that correct masks with the mouse; each makes steps of the session."""
