"""An audit of a model that one is entitled to test: what it costs to learn, and what it leaks.

For owners of models and those they have asked to test them, and for classes.
"""
