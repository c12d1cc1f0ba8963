"""The archive of an application's file: the same bytes for the same file, and no change goes unseen."""

import io
import zipfile

from adapters.archives.sealing import MANIFEST, ArchiveKey, is_genuine

KEY = ArchiveKey(b"s" * 32)
MEMBERS = {"application.json": b"{}", "notices/001-offer.txt": b"Our offer\n"}


def changed(archive: bytes, name: str, content: bytes | None) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as opened, zipfile.ZipFile(out, "w") as again:
        for each in opened.namelist():
            if each != name:
                again.writestr(each, opened.read(each))
        if content is not None:
            again.writestr(name, content)
    return out.getvalue()


def test_the_same_file_is_the_same_archive_and_genuine() -> None:
    archive = KEY.seal(MEMBERS)
    assert archive == KEY.seal(dict(reversed(MEMBERS.items())))
    assert is_genuine(archive, KEY.public)


def test_what_was_changed_added_or_left_out_is_seen() -> None:
    archive = KEY.seal(MEMBERS)
    assert not is_genuine(changed(archive, "application.json", b'{"outcome": "denied"}'), KEY.public)
    assert not is_genuine(changed(archive, "more.txt", b"x"), KEY.public)
    assert not is_genuine(changed(archive, "application.json", None), KEY.public)
    assert not is_genuine(changed(archive, MANIFEST, b"{}"), KEY.public)
    assert not is_genuine(archive, ArchiveKey(b"t" * 32).public)
