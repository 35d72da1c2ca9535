"""The search for thresholds and diameter that suit the corrected images."""
