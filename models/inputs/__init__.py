"""What a run decodes: prompts, list tasks as text, padded rows."""
