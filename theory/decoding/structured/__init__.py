"""Decodes of distributions too long to list, through their structure."""
