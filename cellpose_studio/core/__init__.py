"""Values and pure functions that everything else is built on; no Qt, no torch."""
