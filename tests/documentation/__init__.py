"""The pages of docs/reference that are made from the code, and the tests of the pages that are written."""
