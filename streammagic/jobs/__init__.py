"""What outlives a cell: deployments, the ledger they are written down in, and their care."""
