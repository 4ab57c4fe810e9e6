"""How many units each store sells on the next day."""
