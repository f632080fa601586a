"""Regions in the forms of annotation tools, one module a form."""
