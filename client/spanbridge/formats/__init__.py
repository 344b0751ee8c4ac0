"""The file formats of the command line; `registry.py` lists them, docs/integrations/files.md says what each keeps."""
