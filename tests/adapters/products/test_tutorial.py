"""The product of the tutorial is sound exactly as it is printed."""

import re
from pathlib import Path

from adapters.products.reading import parse_definition

TUTORIAL = Path(__file__).parents[3] / "docs" / "tutorial-product.md"


def printed() -> str:
    """The YAML that the reader copies."""
    found = re.search(r"```yaml\n(.*?)```", TUTORIAL.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


def test_the_printed_definition_can_be_published() -> None:
    definition = parse_definition(printed())
    assert (definition.product, [step.name for step in definition.steps]) == (
        "business-line",
        ["applicant", "business", "line", "consents"],
    )
