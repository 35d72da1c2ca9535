"""What a run needs and gives: parameters, flows, confidence, hints."""
