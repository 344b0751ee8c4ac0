"""INCEpTION's external recommender: a document as UIMA CAS in, the same with predicted annotations out."""
