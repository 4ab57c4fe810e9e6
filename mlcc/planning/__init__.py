"""PLAN: from a resolved spec to the intermediate representation in `mlcc.plan`."""
