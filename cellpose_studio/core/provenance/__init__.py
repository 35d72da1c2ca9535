"""Records of runs, and revisions of label sets."""
