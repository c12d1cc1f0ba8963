"""The file gathered from where its parts are: record, timeline, people, product, notices, documents, account."""

from typing import Any

from adapters.applications.port import Applications
from adapters.archives.port import NoSuchApplication
from adapters.archives.sealing import ArchiveKey, as_json
from adapters.banking.port import CoreBanking, UnknownAccount
from adapters.documents.port import Documents, Kept, UnknownFile
from adapters.letters.writing import party_subject
from adapters.products.port import Products
from adapters.vault.port import UnknownSubject, Vault
from domain.lending.application_view import ApplicationView, PartyView
from domain.personal import shown


class GatheredArchives:
    """See `port.Archives`."""

    def __init__(
        self,
        applications: Applications,
        products: Products,
        documents: Documents,
        banking: CoreBanking,
        vault: Vault,
        key: ArchiveKey,
    ):
        self._applications = applications
        self._products = products
        self._documents = documents
        self._banking = banking
        self._vault = vault
        self._key = key

    async def make(self, application_id: str) -> Kept:
        stored = await self._applications.application(application_id)
        if stored is None:
            raise NoSuchApplication(f"there is no application {application_id}")
        return await self._documents.put(application_id, self._key.seal(await self._members(stored.view)))

    async def _members(self, view: ApplicationView) -> dict[str, bytes]:
        application_id = view.application_id
        events = await self._applications.timeline(application_id)
        members = {
            "application.json": as_json(view.model_dump(mode="json")),
            "timeline.json": as_json([each.model_dump(mode="json") for each in events]),
            "parties.json": as_json({each.party: await self._person(view, each) for each in view.parties}),
        }
        product = await self._products.version(view.product, view.product_version)
        if product is not None:
            members["product.json"] = as_json(product.model_dump(mode="json"))
        for each in view.notices:
            # As it was sent: the store has the very bytes whose hashes are on record.
            name = f"notices/{each.n:03}-{each.kind}"
            members |= await self._file(application_id, each.sha256, f"{name}.txt")
            members |= await self._file(application_id, each.pdf_sha256, f"{name}.pdf")
        for document in view.documents:
            members |= await self._file(application_id, document.sha256, f"documents/{document.doc}-{document.type}")
        if view.account_id:
            try:
                account = await self._banking.account(view.account_id)
            except UnknownAccount:
                return members
            members["account.json"] = as_json(account.model_dump(mode="json"))
        return members

    async def _person(self, view: ApplicationView, party: PartyView) -> dict[str, Any]:
        try:
            found = await self._vault.get(party_subject(view.application_id, party.party))
        except UnknownSubject:
            return {"ref": party.ref}
        return {"ref": party.ref} | shown(found).model_dump(mode="json", exclude_defaults=True)

    async def _file(self, application_id: str, sha256: str | None, name: str) -> dict[str, bytes]:
        """Nothing for what came on paper, or was never sent."""
        if not sha256:
            return {}
        try:
            return {name: await self._documents.get(application_id, sha256)}
        except UnknownFile:
            return {}
