"""Text work on SQL: where statements begin and end, and what they are. No engine is asked here."""
