"""What the records of many runs tell: whether gates help, how fast changes get out, and how often they fail."""
