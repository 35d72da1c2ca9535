"""Tables of what trains and validates, and what trainings used."""
