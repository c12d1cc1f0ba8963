"""An application as people read it; a channel's reader never learns of a screening hold."""

from typing import Any

from domain.lending.application import Application
from domain.lending.stages import GroupStatus, Overlay

View = dict[str, Any]


def view_of(application: Application) -> View:
    """Everything that stands in the record; what staff read."""
    offer, decision = application.offer, application.decision
    code = application.outcome_code
    return {
        "application_id": application.application_id,
        "product": application.product.product,
        "product_version": application.product.version,
        "channel": application.channel.value,
        "locale": application.locale,
        "currency": application.product.currency,
        "version": application.version,
        "created_at": _json(application.created_at),
        "stage": application.stage.value,
        "status": application.status.value,
        "outcome": application.outcome.value if application.outcome else None,
        "outcome_code": int(code) if code else None,
        "ended_at": _json(application.ended_at),
        "overlays": [each.value for each in application.overlays],
        "steps": [_step(application, step.name) for step in application.product.steps],
        "missing": application.missing if application.outcome is None else [],
        "parties": [
            {
                "party": each.party,
                "ref": each.ref,
                "role": each.role.value,
                "status": application.party_status(each).value if each.active else "removed",
                "consented": each.consented_at is not None,
            }
            for each in application.parties
        ],
        "documents": [each.model_dump(mode="json", exclude_none=True) for each in application.documents],
        "checks": [each.model_dump(mode="json", exclude_none=True) for each in application.checks],
        "decision": decision.model_dump(mode="json", exclude_none=True) if decision else None,
        "approvals_left": application.approvals_left if decision else None,
        "claim": application.claim.model_dump(mode="json") if application.claim else None,
        "offer": offer.model_dump(mode="json", exclude_none=True) if offer else None,
        "terms": application.terms.model_dump(mode="json") if application.terms else None,
        "terms_hash": application.terms_hash,
        "signatures": [
            each.model_dump(mode="json", exclude={"actor": True, "consent": {"actor"}}, exclude_none=True)
            for each in application.signatures
        ],
        "envelopes": [
            each.model_dump(mode="json", include={"n", "party", "envelope_id", "state", "at"}, exclude_none=True)
            for each in application.envelopes
        ],
        "clocks": [each.model_dump(mode="json", exclude_none=True) for each in application.clocks],
        "pen": application.pen.model_dump(mode="json") if application.pen else None,
        "notices": [each.model_dump(mode="json", exclude_none=True) for each in application.notices],
        "payouts": [each.model_dump(mode="json", exclude_none=True) for each in application.payouts],
        "account_id": application.account_id,
        "archive": application.archive.model_dump(mode="json") if application.archive else None,
        "interventions": [each.model_dump(mode="json") for each in application.interventions],
        "asks": bool(application.interventions),
        "waiting_for": [
            {name: _json(value) for name, value in wait.items() if value is not None} for wait in application.waits()
        ],
    }


def public(view: View) -> View:
    """For channels and the customer: neutral while a screening holds, and without what staff weighed."""
    hidden = {"checks", "claim", "interventions", "asks", "approvals_left"}
    shown = {name: value for name, value in view.items() if name not in hidden}
    shown["overlays"] = [each for each in view["overlays"] if each != Overlay.SCREENING_HOLD.value]
    neutral = GroupStatus.IN_REVIEW.value
    shown["status"] = neutral if view["status"] == GroupStatus.SCREENING_HOLD.value else view["status"]
    shown["parties"] = [
        each | {"status": neutral} if each["status"] == GroupStatus.SCREENING_HOLD.value else each
        for each in view["parties"]
    ]
    shown.pop("archive", None)
    shown["notices"] = [{name: each[name] for name in each if name != "facts"} for each in view["notices"]]
    shown["waiting_for"] = [each for each in view["waiting_for"] if each["who"] not in ("ops", "underwriter")]
    if view["decision"] is not None:
        told = ("verdict", "at", "conditions")
        decision = view["decision"]
        refer = decision["verdict"] == "refer" or decision.get("stale")
        shown["decision"] = None if refer else {name: decision[name] for name in told if name in decision}
    return shown


def _step(application: Application, name: str) -> View:
    section = application.sections.get(name)
    step = application.product.step(name)
    assert step is not None
    blocked = [each for each in step.requires if not application.answered(each)]
    state = "blocked" if blocked else "open"
    if section is not None:
        state = "stale" if section.stale else "done"
    shown: View = {"name": name, "status": state, "requires": blocked}
    if section is not None:
        shown |= {"at": _json(section.at), "channel": section.actor.channel.value, "digest": section.digest}
    return shown


def _json(value: Any) -> Any:
    return value.isoformat().replace("+00:00", "Z") if hasattr(value, "isoformat") else value
