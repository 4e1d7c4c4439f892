"""The explorer, a page for the browser that decodes small distributions exactly while the reader changes them."""
