"""What a person sees while benches run."""

import sys


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
