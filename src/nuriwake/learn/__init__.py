"""The papers' parts: arrays and tensors in, tensors out; no files, no prints."""
