"""Files under the hash of their content, sealed, and only of the types that were asked for."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.documents.disk import DiskDocuments, sniffed
from adapters.documents.port import MOST_BYTES, FileRefused, UnknownFile
from adapters.keys.cipher import SealBroken
from adapters.keys.memory import InMemoryCustomerKeys
from adapters.keys.port import CustomerRef, KeyErased

NOW = datetime(2026, 11, 1, tzinfo=UTC)
PDF = b"%PDF-1.4 and more"
PNG = b"\x89PNG\r\n\x1a\n and more"
ID = "a1b2c3"


def files_in(folder: Path) -> list[Path]:
    return [each for each in folder.rglob("*") if each.is_file()]


@pytest.fixture
def keys() -> InMemoryCustomerKeys:
    return InMemoryCustomerKeys()


@pytest.fixture
async def store(tmp_path: Path, keys: InMemoryCustomerKeys) -> DiskDocuments:
    for ref, name in (("P-1", ID), ("P-2", "other1")):
        key = await keys.key_for_customer(CustomerRef(ref), NOW)
        await keys.bind(f"application/{name}", key.id)
    return DiskDocuments(tmp_path, keys)


async def test_a_file_is_kept_once_under_its_hash_and_read_again(store: DiskDocuments, tmp_path: Path) -> None:
    kept = await store.put(ID, PDF, ("application/pdf",))
    assert (kept.sha256, kept.media_type, kept.size) == (hashlib.sha256(PDF).hexdigest(), "application/pdf", len(PDF))
    assert await store.put(ID, PDF) == kept
    assert await store.get(ID, kept.sha256) == PDF
    files = files_in(tmp_path)
    assert len(files) == 1
    assert PDF not in files[0].read_bytes()


@pytest.mark.parametrize("content", [b"", PNG, b"x" * (MOST_BYTES + 1)], ids=["empty", "another type", "too large"])
async def test_what_is_no_such_document_is_refused(store: DiskDocuments, tmp_path: Path, content: bytes) -> None:
    with pytest.raises(FileRefused):
        await store.put(ID, content, ("application/pdf",))
    assert not files_in(tmp_path)


async def test_another_applications_file_and_a_path_are_no_names(store: DiskDocuments) -> None:
    kept = await store.put(ID, PDF)
    for application, name in (("other1", kept.sha256), (ID, "../../etc/passwd"), ("..", kept.sha256)):
        with pytest.raises(UnknownFile):
            await store.get(application, name)


async def test_a_file_that_was_changed_on_the_disk_does_not_open(store: DiskDocuments, tmp_path: Path) -> None:
    kept = await store.put(ID, PDF)
    (file,) = files_in(tmp_path)
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    with pytest.raises(SealBroken):
        await store.get(ID, kept.sha256)


async def test_an_erased_person_takes_the_files_along(store: DiskDocuments, keys: InMemoryCustomerKeys) -> None:
    kept = await store.put(ID, PDF)
    await keys.erase(CustomerRef("P-1"), NOW)
    with pytest.raises(KeyErased):
        await store.get(ID, kept.sha256)


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (PDF, "application/pdf"),
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"plain words", "text/plain"),
        (b"MZ\x00\x01", "application/octet-stream"),
        (b"\xff\xfe", "application/octet-stream"),
    ],
)
def test_the_type_is_read_from_the_bytes(content: bytes, media_type: str) -> None:
    assert sniffed(content) == media_type
