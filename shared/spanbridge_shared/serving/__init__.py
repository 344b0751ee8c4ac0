"""Serving: the app factory, batching, the cache, settings and telemetry. The only place with fastapi."""
