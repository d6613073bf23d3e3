"""The pages: templates, styles, scripts, words, and what makes the offline copy of them."""
