"""The use cases, without Qt: each takes values and a Checkpoint."""
