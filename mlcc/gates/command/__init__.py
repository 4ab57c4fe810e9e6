"""The gate kind `command`: the user's own program."""
