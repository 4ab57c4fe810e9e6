"""A program of the user's, which gets the verbs."""
