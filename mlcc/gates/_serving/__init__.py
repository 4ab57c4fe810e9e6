"""A model that is asked golden queries, for the gates that start one and those that ask one elsewhere."""
