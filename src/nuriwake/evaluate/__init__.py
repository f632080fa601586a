"""Scores of segmentations against people's drawings, and the table of methods.

``contingency`` counts a prediction against a drawing, ``metrics`` turns that one table into every
region score, ``boundaries`` scores contours, ``summaries`` averages over annotators and images,
``scales`` chooses among the cuts of a tree. ``datasets`` reads BSDS500, ``files`` pairs label maps
with their truth, ``peers`` holds the methods to compare with, ``runner`` runs them all and
``report`` prints the table.
"""
