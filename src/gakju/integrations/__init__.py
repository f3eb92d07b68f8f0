"""Gakju inside other frameworks: `langchain`, `semantic_kernel` and `mcp`, each imported by who uses it.

All take what they need from a `source`: an Assistant in this process, or a server by its URL.
"""
