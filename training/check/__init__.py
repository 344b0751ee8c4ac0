"""`make models-check`: shipped weights are what their manifests say, within limits, and as good as their cards say."""
