"""A page is the same bytes for the same text, and a PDF that readers understand."""

import re

from adapters.letters.pdf import LINE, PAGE, pdf


def test_the_same_text_is_the_same_bytes() -> None:
    assert pdf("Dear Pat,\n\nyes.", "Yes") == pdf("Dear Pat,\n\nyes.", "Yes")
    assert pdf("Dear Pat,\n\nyes.", "Yes") != pdf("Dear Pat,\n\nno.", "Yes")


def test_every_object_stands_where_the_table_says() -> None:
    page = pdf("One (and only) line \\ with brackets, ü and 漢", "T")
    start = int(page.rsplit(b"startxref\n", 1)[1].split(b"\n")[0])
    assert page[start:].startswith(b"xref")
    for n, place in enumerate(re.findall(rb"(\d{10}) 00000 n", page), start=1):
        assert page[int(place) :].startswith(b"%d 0 obj" % n)
    assert b"(One \\(and only\\) line \\\\ with brackets, \xfc and ?) '" in page


def test_long_texts_are_broken_into_lines_and_pages() -> None:
    page = pdf("\n".join(["word " * 40] * PAGE), "T")
    shown = re.findall(rb"^\((.*)\) '$", page, re.MULTILINE)
    assert max(map(len, shown)) <= LINE
    assert len(re.findall(rb"/Type /Page ", page)) == -(-len(shown) // PAGE) > 1
