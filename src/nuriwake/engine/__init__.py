"""How a step is computed: plainly (the oracle), or fused for speed; and prediction."""
