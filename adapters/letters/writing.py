"""Letters from templates: the person out of the vault, the facts out of the record, nothing that changes by itself."""

import hashlib
import html

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context

from adapters.documents.port import Documents
from adapters.letters.format import day, inside, money, percent
from adapters.letters.pdf import pdf
from adapters.letters.port import Dispatched, Letter, LetterAway, LetterRejected, Written
from adapters.letters.words import language_of, reason_in_words, words
from adapters.notification.port import Mailer, Message, Rejected, Unavailable
from adapters.vault.port import Subject, UnknownSubject, Vault
from domain.personal import PersonalData, shown

_templates = Environment(
    loader=PackageLoader("adapters.letters"),
    undefined=StrictUndefined,
    autoescape=False,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_templates.filters["inside"] = inside
_templates.filters["money"] = pass_context(lambda context, amount, code: money(amount, code, context["language"]))
_templates.filters["percent"] = pass_context(lambda context, rate: percent(rate, context["language"]))
_templates.filters["day"] = pass_context(lambda context, iso: day(iso, context["locale"], context["language"]))
_templates.filters["words"] = pass_context(lambda context, code: words(code, context["language"]))
_templates.filters["reason"] = pass_context(lambda context, code: reason_in_words(code, context["language"]))


def party_subject(application_id: str, party: str) -> Subject:
    """Where the vault keeps a party of an application."""
    return Subject(f"application/{application_id}/{party}")


class MailedLetters:
    """See `port.Letters`."""

    def __init__(self, documents: Documents, vault: Vault, mailer: Mailer):
        self._documents = documents
        self._vault = vault
        self._mailer = mailer

    async def send(self, letter: Letter) -> Dispatched:
        person = await self._person(letter)
        written = self._written(letter, person)
        text = await self._documents.put(letter.application_id, written.text.encode())
        page = await self._documents.put(letter.application_id, written.pdf)
        message = Message(
            key=f"{letter.application_id}:letter:{letter.n}",
            to=person.email or "",
            to_name=_one_line(person.name or ""),
            subject=written.text.partition("\n")[0],
            text=written.text,
            html=_page(written.text, language_of(letter.locale) or "en"),
            at=letter.at,
        )
        if not person.email:
            raise LetterRejected("no_address")
        try:
            await self._mailer.send(message)
        except Unavailable as fault:
            raise LetterAway(fault.reason) from None
        except Rejected as fault:
            raise LetterRejected(fault.reason) from None
        proof = self._mailer.message_id(message)
        return Dispatched(proof=proof, sha256=text.sha256, pdf_sha256=page.sha256)

    async def write(self, letter: Letter) -> Written:
        return self._written(letter, await self._person(letter))

    def _written(self, letter: Letter, person: PersonalData) -> Written:
        language = language_of(letter.locale)
        template = _templates.get_template(f"{language}/{letter.kind}.jinja" if language else f"{letter.kind}.jinja")
        text = template.render(
            **letter.facts,
            language=language,
            locale=letter.locale,
            name=_one_line(person.name or ""),
            address=person.address,
            date=letter.facts.get("written_on") or letter.at.date().isoformat(),
        )
        return Written(text=text, pdf=pdf(text, text.partition("\n")[0]))

    async def _person(self, letter: Letter) -> PersonalData:
        try:
            return shown(await self._vault.get(party_subject(letter.application_id, letter.party)))
        except UnknownSubject:
            raise LetterRejected("unknown_party") from None


def digest(written: Written) -> tuple[str, str]:
    """The hashes under which text and page are kept."""
    return hashlib.sha256(written.text.encode()).hexdigest(), hashlib.sha256(written.pdf).hexdigest()


def _page(text: str, language: str) -> str:
    """The same lines; long ones are broken where the reader's window ends."""
    style = "font-family: sans-serif; white-space: pre-wrap; max-width: 40em"
    return f'<div lang="{language}" style="{style}">{html.escape(text)}</div>'


def _one_line(text: str) -> str:
    return " ".join(text.split())
