"""The gate kind `tests`: a test command, its JUnit report and its coverage."""
