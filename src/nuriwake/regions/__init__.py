"""From a label or response map to regions: adjacency graph, merge tree, cuts."""
