"""Properties are tried on 10,000 examples each; fewer where coverage or a mutation run asks for speed."""

import os

from hypothesis import settings

settings.register_profile("thorough", max_examples=10_000, deadline=None, database=None)
settings.register_profile("quick", max_examples=300, deadline=None, database=None, derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "thorough"))
