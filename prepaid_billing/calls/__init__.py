"""The life of a call: authorise, then end, release or expire. DESIGN.md section 7."""
