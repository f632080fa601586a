"""The page: a small local server and one hand-written page."""
