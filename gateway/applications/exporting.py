"""The whole file of an application as one signed archive: record, timeline, notices, documents, account.

The manifest names every member with its SHA-256; its signature is an HMAC-SHA-256 under a key of this installation.
"""

import hashlib
import hmac
import io
import json
import zipfile
from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse, Response

from adapters.access.port import PrincipalKind
from adapters.applications.port import StoredApplication
from adapters.banking.port import UnknownAccount
from adapters.documents.port import UnknownFile
from adapters.letters.port import Letter
from gateway.applications.sending import visible_application
from gateway.idempotency import CommandRoute
from gateway.principals import Caller, CurrentCaller
from gateway.problems import not_found
from gateway.rights import READING
from gateway.services import CurrentServices, Services

router = APIRouter(prefix="/v1/applications/{application_id}", route_class=CommandRoute, tags=["applications"])

MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
_EPOCH = (1980, 1, 1, 0, 0, 0)


async def _staff(caller: Caller) -> None:
    await caller.must_be(PrincipalKind.OPS)
    await caller.must_have(*READING)


@router.post(
    "/export", status_code=201, summary="Make one signed archive of the whole file", response_model=dict[str, Any]
)
async def export(application_id: str, caller: CurrentCaller, services: CurrentServices) -> Any:
    await _staff(caller)
    stored = await visible_application(services, caller, application_id)
    archive = sealed(await _members(services, application_id, stored), services.edge.secret)
    kept = await services.lending.documents.put(application_id, archive)
    url = f"/v1/applications/{application_id}/export/{kept.sha256}"
    shown = {"application_id": application_id, "sha256": kept.sha256, "size": kept.size, "url": url}
    return JSONResponse(shown, 201, headers={"Location": url})


@router.get(
    "/export/{sha256}",
    summary="An archive that was made",
    response_class=Response,
    responses={200: {"content": {"application/zip": {}}}},
)
async def download(
    application_id: str,
    sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$")],
    caller: CurrentCaller,
    services: CurrentServices,
) -> Response:
    await _staff(caller)
    await visible_application(services, caller, application_id)
    try:
        archive = await services.lending.documents.get(application_id, sha256)
    except UnknownFile:
        raise not_found() from None
    return Response(archive, media_type="application/zip")


async def _members(services: Services, application_id: str, stored: StoredApplication) -> dict[str, bytes]:
    lending, view = services.lending, stored.view
    events = await lending.applications.timeline(application_id)
    members = {
        "application.json": _json(view),
        "timeline.json": _json([each.model_dump(mode="json") for each in events]),
    }
    for each in view["notices"]:
        letter = Letter(
            application_id=application_id,
            n=each["n"],
            kind=each["kind"],
            party=each["party"],
            at=each["at"],
            locale=view["locale"],
            facts=each["facts"],
        )
        written = await lending.letters.write(letter)
        name = f"notices/{each['n']:03}-{each['kind']}"
        members |= {f"{name}.txt": written.text.encode(), f"{name}.pdf": written.pdf}
    for each in view["documents"]:
        if each.get("sha256"):
            try:
                content = await lending.documents.get(application_id, each["sha256"])
            except UnknownFile:
                continue  # it came on paper
            members[f"documents/{each['doc']}-{each['type']}"] = content
    if view["account_id"]:
        try:
            account = await lending.banking.account(view["account_id"])
        except UnknownAccount:
            return members
        members["account.json"] = _json(account.model_dump(mode="json"))
    return members


def sealed(members: dict[str, bytes], secret: bytes) -> bytes:
    """The archive, with its manifest and the manifest's signature; the same members give the same bytes."""
    manifest = _json({name: hashlib.sha256(content).hexdigest() for name, content in sorted(members.items())})
    signature = hmac.digest(secret, b"export\x00" + manifest, hashlib.sha256).hex().encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in [*sorted(members.items()), (MANIFEST, manifest), (SIGNATURE, signature)]:
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def is_genuine(archive: bytes, secret: bytes) -> bool:
    """Whether the archive is one of ours and every member is as it was."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        manifest = opened.read(MANIFEST)
        expected = hmac.digest(secret, b"export\x00" + manifest, hashlib.sha256).hex().encode()
        if not hmac.compare_digest(opened.read(SIGNATURE), expected):
            return False
        named = json.loads(manifest)
        if set(named) != set(opened.namelist()) - {MANIFEST, SIGNATURE}:
            return False
        return all(hashlib.sha256(opened.read(name)).hexdigest() == digest for name, digest in named.items())


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False).encode()
