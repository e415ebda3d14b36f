"""The JSON Schema of what authors write, for editors and other programs.

It is stricter than the validator in one point: it flags numbers and booleans written as text, which the validator reads
leniently. What a name refers to is left to the validator.
"""

from collections.abc import Mapping
from typing import Any

from specs.language.schema import Spec

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TITLE = "Kneo spec v1"


def author_schema() -> dict[str, Any]:
    """Return the schema of a v1 document, shorthands included."""
    schema = Spec.model_json_schema(by_alias=True)
    blocks = schema["$defs"]
    _allow_shorthands(blocks["AgentSpec"]["properties"], strategies=blocks["StrategySpec"]["properties"]["type"])
    blocks["RootSequentialSpec"] = _root_sequence(blocks["SequentialSpec"])
    blocks["RootWorkflowSpec"] = _root_workflow(blocks["WorkflowSpec"])
    schema["properties"]["workflow"]["anyOf"][0] = {"$ref": "#/$defs/RootWorkflowSpec"}
    return {"$schema": DIALECT} | schema | {"title": TITLE}


def _allow_shorthands(agent: Mapping[str, Any], *, strategies: Mapping[str, Any]) -> None:
    agent["model"]["anyOf"].append({"type": "string", "description": "The bare name of a model."})
    agent["strategy"]["anyOf"].append({"enum": strategies["enum"]})
    agent["tools"]["anyOf"].append({"type": "array", "items": {"type": "string"}})


def _root_sequence(sequence: Mapping[str, Any]) -> dict[str, Any]:
    """Return the shape in which a step may be the bare name of an agent; only the root workflow has it."""
    steps = sequence["properties"]["steps"]
    lenient = {"anyOf": [steps | {"items": {"anyOf": [steps["items"], {"type": "string"}]}}, {"type": "null"}]}
    properties = sequence["properties"] | {"steps": lenient}
    return {**sequence, "title": "RootSequentialSpec", "properties": properties}


def _root_workflow(workflow: Mapping[str, Any]) -> dict[str, Any]:
    sequence, root = "#/$defs/SequentialSpec", "#/$defs/RootSequentialSpec"
    options = [{"$ref": root if option["$ref"] == sequence else option["$ref"]} for option in workflow["oneOf"]]
    mapping = workflow["discriminator"]["mapping"] | {"sequential": root}
    return {"oneOf": options, "discriminator": workflow["discriminator"] | {"mapping": mapping}}
