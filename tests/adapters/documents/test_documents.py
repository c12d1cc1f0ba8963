"""Files under the hash of their content, sealed, of the types that were asked for: on a disk and in an object store."""

import hashlib
import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from adapters.documents.disk import DiskFiles
from adapters.documents.objects import object_files
from adapters.documents.port import MOST_BYTES, DocumentsAway, FileRefused, Files, UnknownFile
from adapters.documents.sealed import SealedDocuments, sniffed
from adapters.keys.cipher import SealBroken
from adapters.keys.memory import InMemoryCustomerKeys
from adapters.keys.port import CustomerRef, KeyErased

NOW = datetime(2026, 11, 1, tzinfo=UTC)
PDF = b"%PDF-1.4 and more"
PNG = b"\x89PNG\r\n\x1a\n and more"
ID = "a1b2c3"


@dataclass(frozen=True)
class Place:
    """Where files lie, and how one who owns the disk or the bucket looks at them."""

    files: Files
    names: Callable[[], list[str]]
    content: Callable[[str], bytes]
    spoil: Callable[[str, bytes], None]
    vanish: Callable[[], None]


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """An S3 of its own on this machine, and who we are there; gives its address."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    ours = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT": f"http://{host}:{port}",
    }
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    yield ours["AWS_ENDPOINT"]
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})
    server.stop()


@pytest.fixture(params=["disk", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return _disk(tmp_path / "documents") if request.param == "disk" else _bucket(request.getfixturevalue("s3"))


def _disk(folder: Path) -> Place:
    folder.mkdir()

    def vanish() -> None:
        """Something else is where the folder was."""
        folder.rename(folder.with_name("moved"))
        folder.write_bytes(b"")

    return Place(
        files=DiskFiles(folder),
        names=lambda: [str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file()],
        content=lambda name: (folder / name).read_bytes(),
        spoil=lambda name, content: (folder / name).write_bytes(content) and None,
        vanish=vanish,
    )


def _bucket(endpoint: str) -> Place:
    client = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="t", aws_secret_access_key="t"
    )
    bucket = f"documents-{uuid.uuid4().hex}"
    client.create_bucket(Bucket=bucket)

    def names() -> list[str]:
        found = client.list_objects_v2(Bucket=bucket).get("Contents", ())
        return [each["Key"].removeprefix("lender/") for each in found]

    def vanish() -> None:
        for name in names():
            client.delete_object(Bucket=bucket, Key=f"lender/{name}")
        client.delete_bucket(Bucket=bucket)

    return Place(
        files=object_files(f"s3://{bucket}/lender"),
        names=names,
        content=lambda name: client.get_object(Bucket=bucket, Key=f"lender/{name}")["Body"].read(),
        spoil=lambda name, content: client.put_object(Bucket=bucket, Key=f"lender/{name}", Body=content) and None,
        vanish=vanish,
    )


@pytest.fixture
def keys() -> InMemoryCustomerKeys:
    return InMemoryCustomerKeys()


@pytest.fixture
async def store(place: Place, keys: InMemoryCustomerKeys) -> SealedDocuments:
    for ref, name in (("P-1", ID), ("P-2", "other1")):
        key = await keys.key_for_customer(CustomerRef(ref), NOW)
        await keys.bind(f"application/{name}", key.id)
    return SealedDocuments(place.files, keys)


async def test_a_file_is_kept_once_under_its_hash_and_read_again(store: SealedDocuments, place: Place) -> None:
    kept = await store.put(ID, PDF, ("application/pdf",))
    assert (kept.sha256, kept.media_type, kept.size) == (hashlib.sha256(PDF).hexdigest(), "application/pdf", len(PDF))
    (name,) = place.names()
    first = place.content(name)
    assert await store.put(ID, PDF) == kept
    assert await store.get(ID, kept.sha256) == PDF
    assert place.names() == [name] == [f"c3/{ID}/{kept.sha256}"]
    assert place.content(name) == first
    assert PDF not in first


@pytest.mark.parametrize("content", [b"", PNG, b"x" * (MOST_BYTES + 1)], ids=["empty", "another type", "too large"])
async def test_what_is_no_such_document_is_refused(store: SealedDocuments, place: Place, content: bytes) -> None:
    with pytest.raises(FileRefused):
        await store.put(ID, content, ("application/pdf",))
    assert not place.names()


async def test_another_applications_file_and_a_path_are_no_names(store: SealedDocuments) -> None:
    kept = await store.put(ID, PDF)
    for application, name in (("other1", kept.sha256), (ID, "../../etc/passwd"), ("..", kept.sha256)):
        with pytest.raises(UnknownFile):
            await store.get(application, name)


async def test_a_file_that_was_changed_where_it_lies_does_not_open(store: SealedDocuments, place: Place) -> None:
    kept = await store.put(ID, PDF)
    (name,) = place.names()
    place.spoil(name, place.content(name)[:-1] + b"!")
    with pytest.raises(SealBroken):
        await store.get(ID, kept.sha256)


async def test_an_erased_person_takes_the_files_along(store: SealedDocuments, keys: InMemoryCustomerKeys) -> None:
    kept = await store.put(ID, PDF)
    await keys.erase(CustomerRef("P-1"), NOW)
    with pytest.raises(KeyErased):
        await store.get(ID, kept.sha256)


async def test_what_is_forgotten_is_gone_and_nothing_else(store: SealedDocuments, place: Place) -> None:
    gone = [await store.put(ID, content) for content in (PDF, PNG)]
    stays = await store.put("other1", PDF)
    assert await store.forget(ID) == 2
    assert await store.forget(ID) == 0
    for kept in gone:
        with pytest.raises(UnknownFile):
            await store.get(ID, kept.sha256)
    assert await store.get("other1", stays.sha256) == PDF
    assert len(place.names()) == 1


async def test_a_store_that_is_gone_is_away_and_knows_nothing_of_what_is_unknown(
    store: SealedDocuments, place: Place
) -> None:
    """A file that is called unknown is left out of an archive: that must not come of a bucket that is mislaid."""
    kept = await store.put(ID, PDF)
    place.vanish()
    with pytest.raises(DocumentsAway):
        await store.get(ID, kept.sha256)
    with pytest.raises(DocumentsAway):
        await store.put(ID, PNG)
    with pytest.raises(DocumentsAway):
        await store.forget(ID)


async def test_an_object_store_that_does_not_answer_is_away_within_seconds(
    s3: str, keys: InMemoryCustomerKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT", "http://127.0.0.1:9")
    await keys.bind(f"application/{ID}", (await keys.key_for_customer(CustomerRef("P-1"), NOW)).id)
    with pytest.raises(DocumentsAway, match="document store is away") as away:
        await SealedDocuments(object_files("s3://bucket/lender"), keys).put(ID, PDF)
    assert ID not in str(away.value)


@pytest.mark.parametrize("address", ["", "bucket", "ftp://bucket/path"])
def test_what_names_no_object_store_is_said_at_once(address: str) -> None:
    with pytest.raises(ValueError, match="s3://bucket/path"):
        object_files(address)


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
