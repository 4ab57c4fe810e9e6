"""The rules, one module each; `mlcc.lint.RULES` lists them."""
