"""What was sent, in the order it came: one message a recipient, the last ten thousand."""

import secrets
from collections import deque
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from adapters.clock import Clock
from domain.ids import sortable_id

KEPT = 10_000


class Message(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True)

    id: str
    at: datetime
    to: str
    sender: str = Field(alias="from")
    subject: str
    text: str
    html: str
    message_id: str


class Mailbox:
    def __init__(self, clock: Clock, *, kept: int = KEPT, file: Path | None = None) -> None:
        self._clock = clock
        self._messages: deque[Message] = deque(maxlen=kept)
        self._file = file
        if file and file.exists():
            with file.open("rb") as lines:
                self._messages.extend(Message.model_validate_json(line) for line in lines if line.endswith(b"\n"))

    def take(self, sender: str, recipients: list[str], content: bytes) -> None:
        """Keep a mail as each recipient got it. Nothing is deduplicated: two mails are two mails."""
        mail = message_from_bytes(content, policy=policy.default)
        now = self._clock()
        taken = [
            Message(
                id=f"mail_{sortable_id(now, secrets.token_bytes(10))}",
                at=now,
                to=recipient,
                sender=sender,
                # Folded after its name, a header begins with the space of the fold (RFC 5322, 2.2.3).
                subject=str(mail.get("subject", "")).strip(),
                text=_part(mail, "plain"),
                html=_part(mail, "html"),
                message_id=str(mail.get("message-id", "")).strip(),
            )
            for recipient in recipients
        ]
        self._messages.extend(taken)
        if self._file:
            with self._file.open("ab") as lines:
                lines.writelines(message.model_dump_json(by_alias=True).encode() + b"\n" for message in taken)

    def messages(self, to: str | None = None) -> list[Message]:
        """Newest last; addresses compare without regard to case."""
        if to is None:
            return list(self._messages)
        wanted = to.strip().lower()
        return [message for message in self._messages if message.to.lower() == wanted]

    def message(self, message_id: str) -> Message | None:
        return next((message for message in self._messages if message.id == message_id), None)

    def clear(self) -> None:
        self._messages.clear()
        if self._file:
            self._file.unlink(missing_ok=True)


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body(preferencelist=(kind,))
    if part is None:
        return ""
    try:
        return str(part.get_content()).replace("\r\n", "\n")
    except (LookupError, UnicodeError):
        raw = part.get_payload(decode=True)  # a character set that nobody knows: show the bytes somehow
        return raw.decode("latin-1") if isinstance(raw, bytes) else ""
