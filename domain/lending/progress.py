"""How far one person of an application is, as far as everybody may know."""

from collections.abc import Sequence

from domain.lending.parts import Document, DocumentState, PartyRole
from domain.lending.stages import GroupStatus


def party_progress(role: PartyRole, *, consented: bool, documents: Sequence[Document]) -> GroupStatus:
    """`documents`: those of this person."""
    if any(each.state is DocumentState.REJECTED for each in documents):
        return GroupStatus.REJECTED_DOCUMENT
    if not consented and role is not PartyRole.APPLICANT:
        return GroupStatus.AWAITING_PARTY
    if any(each.missing for each in documents):
        return GroupStatus.AWAITING_DOCUMENTS
    if any(each.state is DocumentState.RECEIVED for each in documents):
        return GroupStatus.IN_REVIEW
    return GroupStatus.READY
