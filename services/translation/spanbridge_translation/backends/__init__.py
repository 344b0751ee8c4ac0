"""What translates: one Protocol, a stub, CTranslate2 and transformers. The only place with model libraries."""
