"""The gate kind `canary`: a candidate that serves a part of the traffic is no worse than the control beside it."""
