"""Places to look at how models work: tokens, single requests."""
