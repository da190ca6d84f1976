"""Calls: hold money while people talk, charge what was talked, and correct it when more is known. DESIGN.md section 7."""
