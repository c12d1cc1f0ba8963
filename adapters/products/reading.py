"""Definitions from YAML or JSON: read, checked in shape and in sense, refused with the place of every fault."""

from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from pydantic import ValidationError

from adapters.products.port import DefinitionRefused
from domain.lending.definition_faults import faults_of
from domain.lending.products import ProductDefinition

FOLDER = files("adapters.products") / "definitions"


def parse_definition(text: str) -> ProductDefinition:
    """Raises `DefinitionRefused`; a fault of the YAML itself is placed by its line."""
    try:
        content = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "/"
        raise DefinitionRefused([(place, error.problem or "this is not YAML")]) from None
    except yaml.YAMLError:
        raise DefinitionRefused([("/", "this is not YAML")]) from None
    return checked(content)


def checked(content: Any) -> ProductDefinition:
    """Raises `DefinitionRefused` with every fault at once."""
    try:
        definition = ProductDefinition.model_validate(content)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        places = [("/" + "/".join(str(part) for part in fault["loc"]), fault["msg"]) for fault in found]
        raise DefinitionRefused(places) from None
    if faults := faults_of(definition):
        raise DefinitionRefused(faults)
    return definition


@cache
def shipped() -> dict[str, ProductDefinition]:
    """The definitions that come with the package, by product."""
    texts = [entry.read_text() for entry in FOLDER.iterdir() if entry.name.endswith(".yaml")]
    return {each.product: each for each in map(parse_definition, sorted(texts))}
