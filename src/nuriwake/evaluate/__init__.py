"""Scores of segmentations against people's drawings, and the table of methods.

``metrics`` turns one contingency table into every region score, ``boundaries`` scores contours,
``summaries`` averages over annotators and images, ``scales`` over the cuts of a tree, ``datasets``
reads BSDS500, ``peers`` holds the methods to compare with, ``runner`` runs them all and ``report``
prints the table.
"""
