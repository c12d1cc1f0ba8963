"""The label that is printed, in ZPL: sender's country, recipient, and the tracking number as a Code 128 barcode."""

from adapters.simulators.carrier.books import LabelRecord
from adapters.simulators.carrier.tariff import CARRIERS


def document(label: LabelRecord) -> str:
    lines = (*label.recipient, f"{label.country} {label.postal_code}")
    printed = [f"^FO40,{260 + 50 * row}^A0N,40,40^FD{_plain(line)}^FS" for row, line in enumerate(lines)]
    return "\n".join(
        (
            "^XA",
            "^CI28",
            f"^FO40,40^A0N,60,60^FD{CARRIERS[label.carrier].name} {label.service.upper()}^FS",
            f"^FO40,120^A0N,30,30^FD{label.weight_grams} g, {_plain(label.shipment)}^FS",
            "^FO40,200^A0N,30,30^FDTO^FS",
            *printed,
            f"^FO40,760^BY3^BCN,160,Y,N,N^FD{label.tracking_number}^FS",
            "^XZ",
        )
    )


def _plain(text: str) -> str:
    """Without the characters that a printer takes for commands, and without line breaks."""
    return " ".join(text.translate({ord("^"): " ", ord("~"): " "}).split())
