"""The v1 language as types: what a document may contain, after migration and normalisation."""

from specs.language.schema.document import Components, Spec

__all__ = ["Components", "Spec"]
