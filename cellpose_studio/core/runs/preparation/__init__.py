"""Steps that prepare the pixels of an image before a network sees them."""
