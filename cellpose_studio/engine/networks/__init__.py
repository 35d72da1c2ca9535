"""Networks: their weights, cards and architectures."""
