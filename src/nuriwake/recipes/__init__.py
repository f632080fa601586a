"""One module a recipe, over the papers' parts, the engine and the regions."""
