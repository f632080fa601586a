"""The papers: arrays and tensors in, tensors out; no files, no prints."""
