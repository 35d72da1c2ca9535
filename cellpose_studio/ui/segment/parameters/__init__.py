"""The parameters of a run: their form, and how the input of the network is prepared."""
