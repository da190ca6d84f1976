"""What a call costs, and how long a sum lasts. Pure: plain data in, plain data out, no frappe."""
