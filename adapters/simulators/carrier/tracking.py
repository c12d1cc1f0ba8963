"""Tracking numbers as the post has them (UPU S10): two letters, eight digits, a check digit, a country."""

_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)


def tracking_number(prefix: str, serial: int, country: str) -> str:
    digits = f"{serial % 100_000_000:08d}"
    return f"{prefix}{digits}{_check_digit(digits)}{country}"


def is_tracking_number(text: str) -> bool:
    """Whether it is well formed and its check digit is right."""
    if len(text) != 13 or not (text[:2] + text[11:]).isalpha() or not (text.isascii() and text[2:11].isdigit()):
        return False
    return _check_digit(text[2:10]) == text[10]


def _check_digit(digits: str) -> str:
    """UPU S10-12: 11 less the weighted sum's remainder by 11; 10 becomes 0, 11 becomes 5."""
    rest = 11 - sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, digits, strict=True)) % 11
    return str({10: 0, 11: 5}.get(rest, rest))
