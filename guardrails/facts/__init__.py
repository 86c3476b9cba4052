"""Facts: what each file says, alone."""
