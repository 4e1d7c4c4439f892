"""The explorer, a page that decodes small distributions exactly in the browser."""
