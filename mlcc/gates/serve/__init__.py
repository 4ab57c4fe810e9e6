"""The gate kind `serve`: the packaged model starts, answers, and keeps to its latency and memory."""
