"""The API's routes, one file for each resource."""

from __future__ import annotations
