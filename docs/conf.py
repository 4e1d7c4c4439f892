"""The site: ``python -m sphinx -W --keep-going -b html -q docs out/site``, in one job, without a network.

Node renders the formulas when the site is built; what is built needs no JavaScript for them. Lessons run as they are
built; ``PARABOUNDS_FAST=1``, the default here, loads the shipped weights in lesson 9, ``0`` trains.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "site"), str(HERE.parent)]
os.environ.setdefault("PARABOUNDS_FAST", "1")
os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(HERE.parent), os.environ.get("PYTHONPATH")]))

project = "parabounds"
author = "The parabounds developers"
copyright = "The parabounds developers, MIT licence"

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "myst_nb",
    "sphinx_proof",
    "sphinx_design",
    "sphinx_copybutton",
    "formulas",
    "source_pages",
    "statement_blocks",
    "api_pages",
    "explorer_page",
]
exclude_patterns = ["conf.py", "site", "lessons/classroom.py", "lessons/slides.py", "lessons/solutions"]

nb_custom_formats = {".py": ["jupytext.reads", {"fmt": "py:percent"}]}
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_dmath_double_inline = True
myst_heading_anchors = 4

katex_prerender = True
katex_css_path = "katex/katex.min.css"

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
add_module_names = False
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = "parabounds"
html_static_path = ["site/static", "images/explorer.png"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_theme_options = {"top_of_page_buttons": []}
copybutton_prompt_text = ">>> "
copybutton_exclude = ".linenos, .gp, .go"
