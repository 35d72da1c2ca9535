"""Leave torchvision's decoders of images out: they stand in for PyInstaller's hook."""
