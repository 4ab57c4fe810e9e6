"""What people read of a run: the page with its plots, and the comment on a pull request."""
