"""The Train tab: training sets, trainings, and what came of them."""
