"""Gakju (각주): answers from your own documents, with a footnote under every sentence."""
