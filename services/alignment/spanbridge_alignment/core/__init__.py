"""Pure functions from sub-word vectors to weighted word links; numpy and lap only."""
