"""Tools of long runs, such as record files, workers and progress."""
