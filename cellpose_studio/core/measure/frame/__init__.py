"""The cells of one time point: loops over its pixels, and what follows from them."""
