"""Scores of segmentations against people's drawings, and the table of methods.

``metrics`` turns one contingency table into every region score, ``boundaries`` scores contours, ``summaries``
averages over annotators, scales and images, ``datasets`` reads BSDS500, ``peers`` holds the methods to
compare with and ``runner`` runs them all.
"""
