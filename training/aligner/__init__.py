"""Recipe of the alignment encoder: the pruned e5-small, fine-tuned on parallel text so that links lie together."""
