"""Names of the folders and files that the stages hand on."""

TEXTS, RUNNING, ENGLISH_TEXTS, COUNTS = "texts", "running", "english", "counts.json"
