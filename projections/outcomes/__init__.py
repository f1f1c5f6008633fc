"""What became of contributions: codes, proposals, opinions, decisions; which commitments are kept, and which are late."""
