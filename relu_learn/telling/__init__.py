"""What a run tells: its events, the trace of them, what it claims, and its result."""
