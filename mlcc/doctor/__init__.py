"""DOCTOR: what can be checked of a repository and its CI systems' settings, on this machine and, if asked for, by their clients.

Nothing is ever written, and what can't be read is never a pass.
"""
