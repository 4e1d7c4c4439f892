"""Long runs: files of records, shares of the work, progress, rows that no failure loses."""
