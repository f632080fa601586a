"""The napari plugin: :mod:`.panel` is its widget; what it says to napari is in ``napari.yaml``."""
