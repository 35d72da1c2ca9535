"""Label images: chunks, cells, outlines, and one reversible edit."""
