"""Customers whose data nobody could mistake, and the ways in which each piece of it might be written down."""

import base64
import re
from dataclasses import dataclass, field

REFUSED_CARD = "4000056655665556"
REFUSED_CVV = "cvv-8827-quill"


@dataclass
class Customer:
    """`secrets` grow while the story is played: codes come by mail."""

    ref: str
    name: str
    email: str
    phone: str
    token: str
    proxy: str
    vehicle: str
    codes: list[str] = field(default_factory=list)

    @property
    def words(self) -> list[str]:
        """What must stand nowhere in clear, apart from codes."""
        digits = re.sub(r"\D", "", self.phone)
        return [
            self.name,
            self.name.split()[-1],
            self.email,
            self.email.split("@")[0],
            self.phone,
            digits,
            digits[-8:],
            self.token,
            self.proxy,
            self.proxy.split()[-1],
            self.vehicle,
        ]


def customer(number: int) -> Customer:
    first, last = _NAMES[number]
    return Customer(
        ref=f"C-PRIV-{number}",
        name=f"{first} {last}",
        email=f"{first}.{last}{number}@privacy-test.example".lower(),
        phone=f"+49 30 98{number}7766{number}55",
        token=f"tok_{last}_{number}".lower(),
        proxy=f"Balthasine Orrowick{number}",
        vehicle=f"lilac Zephyrion QX-77{number}1",
    )


_NAMES = [
    ("Xaverine", "Quillfeather"),
    ("Ottokar", "Wunderblume"),
    ("Philomena", "Drosselgrund"),
    ("Zacharias", "Nebelhorner"),
    ("Kunigunde", "Ypsilander"),
    ("Eusebius", "Federkranz"),
]

ADDRESS = {
    "name": "Xaverine Quillfeather",
    "line1": "Quastenhof 7731",
    "line2": "Hinterhaus Zwirbelstieg",
    "postal_code": "98761",
    "city": "Wuselhausen",
    "country": "DE",
}
ADDRESS_WORDS = ["Quastenhof", "Zwirbelstieg", "Wuselhausen"]
CARD_WORDS = [REFUSED_CARD, "4000 0566 5566 5556", "4000-0566-5566-5556", REFUSED_CVV]


class Needles:
    """Finds words in bytes: plain and without regard to case, in base 64 at any offset, in hex, in UTF-16."""

    def __init__(self, words: list[str], codes: list[str]):
        self.forms = {form: word for word in words for form in _forms(word)}
        # Eight digits may stand by chance within a longer number; a code stands alone.
        self.codes = {code: re.compile(rb"(?<![0-9A-Za-z])" + code.encode() + rb"(?![0-9A-Za-z])") for code in codes}

    def found(self, content: bytes) -> set[str]:
        lowered = content.lower()
        words = {word for form, word in self.forms.items() if form in lowered}
        return words | {code for code, pattern in self.codes.items() if pattern.search(content)}


def _forms(word: str) -> set[bytes]:
    plain = word.encode()
    return {
        plain.lower(),
        plain.hex().encode(),
        word.lower().encode("utf-16-le"),
        word.replace(" ", "+").lower().encode(),
        word.replace(" ", "%20").lower().encode(),
        *(form.lower() for form in _base64(plain)),
    }


def _base64(plain: bytes) -> set[bytes]:
    """The middle part of its base 64, however it lies in what was encoded."""
    forms = set()
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + plain)
        start = (offset * 8 + 5) // 6
        end = len(encoded) - 4 if encoded.endswith(b"=") or (offset + len(plain)) % 3 else len(encoded)
        middle = encoded[start:end]
        if len(middle) >= 12:
            forms |= {middle, middle.replace(b"+", b"-").replace(b"/", b"_")}
    return forms
