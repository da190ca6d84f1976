"""Files that customers take away: tables for programs and for Excel, statements to print."""
