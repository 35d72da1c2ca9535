"""The masks of the open images: kept, edited, merged and recorded."""
