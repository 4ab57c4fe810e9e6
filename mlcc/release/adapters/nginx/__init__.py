"""Servers on one host behind nginx, which splits the requests between two of them."""
