"""Pure metrics: entities, links and translations."""
