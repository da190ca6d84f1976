"""The two commands of a newcomer, `make demo` and `make test`, and what they stand on.

Needs nothing but Python's own library, because it is what installs the rest.
"""
