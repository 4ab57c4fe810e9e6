"""The gate kind `answers`: a server that runs elsewhere gives the golden answers, and keeps to its latency."""
