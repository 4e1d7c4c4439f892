"""The figures and tables, one module each: `FIGURE = Figure(...)`."""
