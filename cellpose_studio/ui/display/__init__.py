"""The image display box: how channels, masks and pictures of the network are shown."""
