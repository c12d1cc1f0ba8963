"""The whole file of an application as one signed archive: made when it closes, and by anybody of the office before."""

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import Response

from adapters.archives.port import NoSuchApplication
from adapters.documents.port import UnknownFile
from adapters.keys.port import KeyErased
from domain.views import View
from gateway.applications.sending import visible_application
from gateway.idempotency import CommandRoute
from gateway.principals import CurrentCaller
from gateway.problems import not_found
from gateway.rights import must_read_operations
from gateway.services import CurrentServices

router = APIRouter(prefix="/v1/applications/{application_id}", route_class=CommandRoute, tags=["applications"])


class ExportShown(View):
    application_id: str
    sha256: str
    size: int
    url: str
    public_key: str
    """With which its signature is checked."""


@router.post(
    "/export", status_code=201, summary="Make one signed archive of the whole file", response_model=ExportShown
)
async def export(
    application_id: str, caller: CurrentCaller, services: CurrentServices, response: Response
) -> ExportShown:
    await must_read_operations(caller)
    stored = await visible_application(services, caller, application_id)
    if stored.view.purged_at:
        raise not_found()
    try:
        kept = await services.lending.archives.make(application_id)
    except (NoSuchApplication, KeyErased):
        raise not_found() from None
    url = f"/v1/applications/{application_id}/export/{kept.sha256}"
    response.headers["Location"] = url
    return ExportShown(
        application_id=application_id,
        sha256=kept.sha256,
        size=kept.size,
        url=url,
        public_key=services.lending.archive_key,
    )


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
    await must_read_operations(caller)
    await visible_application(services, caller, application_id)
    try:
        archive = await services.lending.documents.get(application_id, sha256)
    except (UnknownFile, KeyErased):
        raise not_found() from None
    return Response(archive, media_type="application/zip")
