"""Style, labels and plots that several figures share."""
