"""Spanbridge as Label Studio's "ML backend": the protocol that Label Studio 1.x speaks to a model."""
