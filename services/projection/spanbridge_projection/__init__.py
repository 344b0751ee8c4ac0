"""Spanbridge projection service: source entities, links and scores in, target entities out.

Pure computation: it holds no model, so it has no `backends/` and no cache; the answer depends on the request alone.
"""
