"""A plain text as a PDF, always the same bytes for the same text: no date, no random id, no compression."""

import textwrap

WIDTH, HEIGHT, MARGIN, SIZE, LEADING = 595, 842, 57, 10, 14
"""A4 in points."""
LINE = 88
PAGE = (HEIGHT - 2 * MARGIN) // LEADING


def pdf(text: str, title: str) -> bytes:
    """PDF 1.4 in Helvetica. Characters beyond Windows-1252 are shown as a question mark."""
    lines = [part for line in text.splitlines() for part in (textwrap.wrap(line, LINE) or [""])]
    pages = [lines[at : at + PAGE] for at in range(0, max(1, len(lines)), PAGE)]
    font = 3 + 2 * len(pages)
    kids = " ".join(f"{3 + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
    ]
    for n, page in enumerate(pages):
        content = _content(page)
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {WIDTH} {HEIGHT}] /Contents {4 + 2 * n} 0 R "
            f"/Resources << /Font << /F1 {font} 0 R >> >> >>".encode()
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
    objects.append(b"<< /Title (%s) >>" % _escaped(title))
    return _file(objects)


def _content(lines: list[str]) -> bytes:
    shown = b"\n".join(b"(%s) '" % _escaped(line) for line in lines)
    return b"BT /F1 %d Tf %d TL %d %d Td\n%s\nET" % (SIZE, LEADING, MARGIN, HEIGHT - MARGIN, shown)


def _escaped(text: str) -> bytes:
    raw = text.encode("cp1252", "replace")
    return raw.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def _file(objects: list[bytes]) -> bytes:
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for n, each in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (n, each)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    for place in places:
        out += b"%010d 00000 n \n" % place
    out += b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        len(objects),
        start,
    )
    return bytes(out)
