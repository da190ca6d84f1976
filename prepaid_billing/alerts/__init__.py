"""The low balance check and its mails. DESIGN.md section 9, end."""
