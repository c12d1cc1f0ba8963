"""From a notice to a mail: subject, plain text and HTML out of one small template a kind and language.

A template says what happened; the shared layouts add what the facts hold (code, place, items, amounts, button). All
values are data: cleaned, escaped in HTML, and never seen by the template engine as templates. A seller's folder may
replace any file (`en/ready_for_pickup.jinja`, `layout.html.jinja`) and single words (`de/words.toml`, `theme.toml`).
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader, StrictUndefined, Template, TemplateNotFound
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from adapters.notification.format import Formats, cleaned, paragraphs, qr_code
from adapters.notification.port import InlineImage, Message
from domain.balances import BalanceId
from domain.ids import Sku
from domain.notices import LinkKind, Notice, NoticeFacts, NoticeKind, NoticeLine, Place

BUILT_IN = Path(__file__).parent / "templates"
_SUBJECT_LIMIT = 150
_QR_CID = "handover-code"


@dataclass(frozen=True)
class Recipient:
    """Who gets the mail: looked up when it is sent, never kept with the notice."""

    email: str | None = field(repr=False)
    name: str = field(default="", repr=False)
    declined: frozenset[NoticeKind] = frozenset()
    """What this customer does not want to hear of."""
    locale: str | None = None
    """The reader's own, where it is not the notice's: a store reads its mails in its language, not its customer's."""

    def wants(self, kind: NoticeKind) -> bool:
        return kind not in self.declined or not kind.may_be_declined


@dataclass(frozen=True)
class Details:
    """What a notice may leave to be looked up when it is sent. What the notice says itself is preferred."""

    store: Place | None = None
    zone: str | None = None
    names: Mapping[Sku, str] = field(default_factory=dict)
    """Of the items."""
    vehicle: str | None = field(default=None, repr=False)
    """What the store looks out for when the customer has arrived: personal, hence not in the notice."""
    code: str | None = field(default=None, repr=False)
    """What opens a parcel machine for the customer: its operator's, hence never ours to keep."""


class CodeOf(Protocol):
    def __call__(self, group_id: str, serial: int) -> str:
        """The hand-over code of a group: eight digits, worked out, never stored."""
        ...


class LinkOf(Protocol):
    def __call__(self, kind: LinkKind, order_id: str, group_id: str | None, deadline: datetime | None) -> str:
        """A signed address that expires; `deadline` is until when the reader should act, where the notice names one."""
        ...


class NumberOf(Protocol):
    def __call__(self, balance_id: BalanceId) -> str:
        """The number that pays with a gift card or store credit, worked out, never stored."""
        ...


class NoticeRenderer:
    """Makes messages. Raises jinja2's `TemplateError` when a template is wrong; the built-in ones are all tested."""

    def __init__(
        self, templates: Path | None, code_of: CodeOf, link_of: LinkOf, number_of: NumberOf | None = None
    ) -> None:
        self._code_of, self._link_of, self._number_of = code_of, link_of, number_of
        self._folders = [*([templates] if templates else []), BUILT_IN]
        loader = ChoiceLoader([FileSystemLoader(folder) for folder in self._folders])
        self._text = _Engine(loader, autoescape=False)
        self._html = _Engine(loader, autoescape=True)
        self._words: dict[str, dict[str, Any]] = {}

    def render(self, notice: Notice, recipient: Recipient, details: Details = Details()) -> Message:
        if recipient.email is None:
            raise ValueError("a mail needs an address: suppress the notice instead")
        language, name = self._template(notice)
        code = self._code(notice, details)
        facts = _completed(notice.facts, details)
        words = self._vocabulary(language)
        formats = Formats(locale=notice.locale, language=language, zone=facts.zone, utc=words["utc"])
        context = self._context(notice, facts, recipient, words)
        balance = facts.balance_id if notice.kind.shows_number else None
        context |= {"number": self._number_of(balance) if balance and self._number_of else None}
        context |= {"code": code, "vehicle": details.vehicle and cleaned(details.vehicle)}
        text, plain = self._part(self._text, name, context, formats)
        html, _ = self._part(self._html, name, context, formats)
        return Message(
            key=notice.key,
            to=recipient.email,
            to_name=cleaned(recipient.name),
            subject=plain["subject"][:_SUBJECT_LIMIT],
            text=text,
            html=html,
            at=notice.at,
            headers={"Auto-Submitted": "auto-generated", "Content-Language": formats.language_tag},
            images=(InlineImage(_QR_CID, "image/png", qr_code(code)),) if code else (),
        )

    def _template(self, notice: Notice) -> tuple[str, str]:
        """`de-AT`, then `de`, then `en`."""
        for language in _languages(notice.locale):
            name = f"{language}/{notice.kind}.jinja"
            try:
                self._text.kinds.get_template(name)
            except TemplateNotFound:
                continue
            return language, name
        raise TemplateNotFound(f"{notice.kind}.jinja")

    def _code(self, notice: Notice, details: Details) -> str | None:
        if notice.kind is NoticeKind.RETURN_LABEL:
            # What the carrier's counter scans to print the label: it is on the parcel for everybody to read.
            return notice.facts.tracking_number and cleaned(notice.facts.tracking_number)
        if notice.facts.compartment_id is not None and notice.kind.shows_code:
            return details.code and cleaned(details.code)
        if notice.facts.code_serial is None or notice.group_id is None or not notice.kind.shows_code:
            return None
        return self._code_of(notice.group_id, notice.facts.code_serial)

    def _context(
        self, notice: Notice, facts: NoticeFacts, recipient: Recipient, words: dict[str, Any]
    ) -> dict[str, Any]:
        link = facts.link_kind and self._link_of(facts.link_kind, notice.order_id, notice.group_id, facts.deadline)
        cleaned_facts: dict[str, Any] = _clean(facts.model_dump())
        return cleaned_facts | {
            "kind": notice.kind.value,
            "for_store": notice.audience == "store",
            "name": cleaned(recipient.name),
            "order_number": cleaned(facts.order_number or notice.order_id),
            "store_id": notice.store_id and cleaned(notice.store_id),
            "link": link,
            "link_label": words["links"].get(facts.link_kind, words["open"]) if link else None,
            "reason_text": words["reasons"].get(facts.reason),
            "choice_text": words["claims" if notice.kind is NoticeKind.CLAIM_DECIDED else "choices"].get(facts.choice),
            "carrier": facts.carrier and cleaned(self._theme["carriers"].get(facts.carrier, facts.carrier)),
            "default_text": words["choices"].get(facts.default_choice),
            "lines_label": _for_kind(words["lines"], notice.kind),
            "remaining_label": _for_kind(words["remaining"], notice.kind),
            "ready_label": _for_kind(words["ready"], notice.kind),
            "deadline_label": _for_kind(words["deadline"], notice.kind),
            "choice_texts": [words["choices"][key] for key in facts.choices if key in words["choices"]],
            "place_label": words.get("places", {}).get(notice.kind, words["place"]),
            "code_label": words.get("codes", {}).get(notice.kind, words["code"]),
            "qr_cid": _QR_CID,
            "w": words,
            "theme": self._theme,
            "tone": self._theme["tones"].get(notice.kind.value, "info"),
        }

    def _part(
        self, engine: "_Engine", name: str, context: dict[str, Any], formats: Formats
    ) -> tuple[str, dict[str, str]]:
        """The whole part, and the blocks that it was made of."""
        template = engine.kinds.get_template(name)
        context = context | {"formats": formats, "lang": formats.language_tag}
        blocks = {block: _block(template, block, context) for block in ("subject", "title", "lead")}
        lead = paragraphs(blocks["lead"])
        said = {"subject": cleaned(blocks["subject"]), "title": cleaned(blocks["title"])}
        if engine.autoescape:
            layout = engine.layouts.get_template("layout.html.jinja")
            # Rendered with escaping on already: what is in them is HTML.
            marked = {key: Markup(value) for key, value in said.items()}
            return layout.render(context | marked | {"lead": [Markup(one) for one in lead]}), said
        layout = engine.layouts.get_template("layout.txt.jinja")
        # Paragraphs are not broken into lines: a break could put a piece of a name where the code's line is looked for.
        return layout.render(context | said | {"lead": lead}).strip() + "\n", said

    def _vocabulary(self, language: str) -> dict[str, Any]:
        if language not in self._words:
            merged: dict[str, Any] = {}
            for one in reversed(list(_languages(language))):
                merged = _merged(merged, self._toml(f"{one}/words.toml"))
            self._words[language] = merged
        return self._words[language]

    @cached_property
    def _theme(self) -> dict[str, Any]:
        return self._toml("theme.toml")

    def _toml(self, name: str) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for folder in reversed(self._folders):
            path = folder / name
            if path.is_file():
                merged = _merged(merged, tomllib.loads(path.read_text(encoding="utf-8")))
        return merged


def _completed(facts: NoticeFacts, details: Details) -> NoticeFacts:
    def named(lines: tuple[NoticeLine, ...]) -> tuple[NoticeLine, ...]:
        return tuple(line.model_copy(update={"name": line.name or details.names.get(line.sku)}) for line in lines)

    return facts.model_copy(
        update={
            "store": facts.store or details.store,
            "zone": facts.zone or details.zone,
            "lines": named(facts.lines),
            "remaining": named(facts.remaining),
        }
    )


class _Engine:
    """Jinja for one part of a mail. In `kinds` blank lines part paragraphs, so the newline behind a block counts."""

    def __init__(self, loader: BaseLoader, *, autoescape: bool) -> None:
        self.autoescape = autoescape
        self.kinds = _environment(loader, autoescape=autoescape, trim=False)
        self.layouts = _environment(loader, autoescape=autoescape, trim=True)


def _environment(loader: BaseLoader, *, autoescape: bool, trim: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=loader,
        autoescape=autoescape,
        undefined=StrictUndefined,
        finalize=_no_none,
        trim_blocks=trim,
        lstrip_blocks=True,
    )
    environment.filters["strong"] = _strong if autoescape else str
    environment.filters["named"] = _named if autoescape else str
    return environment


def _no_none(value: Any) -> Any:
    """A missing fact must be asked for with `if`: no reader is greeted by the word None."""
    if value is None:
        raise TypeError("a template prints a fact that is missing; put `if` around it")
    return value


def _strong(value: Any) -> Markup:
    return Markup("<strong>{}</strong>").format(value)


def _named(value: Any) -> Markup:
    """A name in its own writing direction, which cannot turn the sentence around it."""
    return Markup("<bdi>{}</bdi>").format(value)


def _block(template: Template, block: str, context: Mapping[str, Any]) -> str:
    return "".join(template.blocks[block](template.new_context(dict(context))))


def _languages(locale: str) -> Iterator[str]:
    """From the most special to English: folder names such as `de-AT`, `de`, `en`."""
    parts = locale.replace("_", "-").split("-")
    tags = ["-".join([parts[0].lower(), *parts[1:end]]) for end in range(len(parts), 0, -1)]
    yield from dict.fromkeys([*tags, "en"])


def _clean(value: Any) -> Any:
    """Every string of the facts as one safe line; addresses and hours as a list of lines."""
    if isinstance(value, dict):
        return {
            key: [cleaned(line) for line in one.splitlines() if cleaned(line)]
            if key in ("address", "hours") and one
            else _clean(one)
            for key, one in value.items()
        }
    if isinstance(value, list | tuple):
        return [_clean(one) for one in value]
    return cleaned(value) if type(value) is str else value


def _for_kind(labels: Mapping[str, str], kind: NoticeKind) -> str:
    return labels.get(kind.value, labels["default"])


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged
