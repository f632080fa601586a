"""Rasters and folders that are larger than the memory, or than one machine."""
