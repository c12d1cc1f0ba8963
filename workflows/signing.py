"""Signing: with a pen in a branch, or electronically by a provider who proves it; each party for itself."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import workflows.application_messages as messages
    from activities.faults import NEEDS_A_PERSON
    from activities.signing import SigningSteps, VoidEnvelope
    from adapters.signing.port import Envelope, EnvelopeRequest, EnvelopeState
    from domain.actors import Channel
    from domain.ids import operation_key
    from domain.lending.parts import CONSENT_TEXT, ConsentEvidence, EnvelopeRef, Party, Signature, SignatureWay
    from domain.lending.stages import Stage
    from domain.personal import Readable
    from domain.refusals import RefusalKind
    from workflows import options
    from workflows.application_desk import ApplicationDesk
    from workflows.applying import not_now
    from workflows.messages import InterventionAction
    from workflows.refusing import StepFailed, failure_text, failure_type, in_words, refuse

LOOKS = (timedelta(minutes=2), timedelta(hours=1), timedelta(days=1))
"""How long a provider that says nothing is left alone before it is asked; the last one again and again."""
A_DAY = timedelta(days=1)


class Signing:
    def __init__(self, desk: ApplicationDesk):
        self.desk = desk
        self.told: set[str] = set()
        """Envelopes of which the provider has told something."""

    async def sign(self, command: messages.Sign) -> None:
        """Which text, who, when, where; electronically only with one's own consent."""
        application = self.desk.application
        if application.stage is not Stage.SIGNING:
            raise not_now(f"It is {in_words(application.stage)}: nothing is to be signed.")
        party = application.party(command.party)
        if party is None or not party.active:
            raise refuse(RefusalKind.NOT_FOUND, "Nobody of this name takes part.")
        channel = command.actor.channel
        if command.way is SignatureWay.WET and channel is not Channel.BRANCH:
            raise not_now("A pen is used in a branch only.")
        if command.way is SignatureWay.ELECTRONIC:
            if channel not in application.product.signing_channels:
                raise not_now(f"Nobody signs through {channel}.")
            if not (party.electronic or command.electronic_consent):
                raise refuse(RefusalKind.CONSENT_NEEDED, "The party has not agreed to sign electronically.")
            party.electronic = True
        text = command.text or application.product.agreement
        if text != application.product.agreement:
            await self._another_text(party.party, text, command)
            raise refuse(RefusalKind.STALE_VERSION, f"The text to sign is {application.product.agreement}.")
        if command.terms_hash is not None and command.terms_hash != application.terms_hash:
            await self._another_text(party.party, text, command)
            raise refuse(RefusalKind.STALE_VERSION, "The terms to sign are others now. Look at them again, then sign.")
        if self._signed(party):
            return
        if command.way is SignatureWay.ELECTRONIC and workflow.patched("a provider takes electronic signatures"):
            self._open_envelope(party, text, command)
            return
        self._append(party, text, command)

    async def _another_text(self, party: str, text: str, command: messages.Sign) -> None:
        """Refused, and yet remembered: the office learns that somebody has signed what does not stand."""
        if workflow.patched("another text is alarmed"):
            self.desk.event("signature_of_another_text", command.actor, party=party, text=text)
            await self.desk.record()
            self._alarm(party)

    def _alarm(self, party: str) -> None:
        self.desk.alarm(f"signature of {party}", "it is of another text or other terms than stand, and does not count")

    def _open_envelope(self, party: Party, text: str, command: messages.Sign) -> None:
        """The provider takes the signature; it counts once it has said so, of exactly this text."""
        application = self.desk.application
        if any(each.open for each in application.envelopes if each.party == party.party):
            return
        if party.consent_evidence is None:
            party.consent_evidence = ConsentEvidence(
                text=CONSENT_TEXT, at=workflow.now(), channel=command.actor.channel, actor=command.actor
            )
        ref = EnvelopeRef(
            n=len(application.envelopes) + 1,
            party=party.party,
            text=text,
            terms_hash=application.terms_hash,
            at=workflow.now(),
            channel=command.actor.channel,
            actor=command.actor,
        )
        application.envelopes.append(ref)
        self.desk.event("signature_asked", command.actor, party=party.party, n=ref.n)
        self.desk.crew.start(_task(ref), self._follow(ref))

    def resume(self) -> None:
        """After a new run has begun: envelopes that the run before was waiting for."""
        for ref in self.desk.application.envelopes:
            if ref.open and not self.desk.crew.has(_task(ref)):
                self.desk.crew.start(_task(ref), self._follow(ref))

    @property
    def settled(self) -> bool:
        return not any(self.desk.crew.runs(_task(each)) for each in self.desk.application.envelopes)

    async def _follow(self, ref: EnvelopeRef) -> None:
        """From the sending until it is signed, declined, or of no use any more."""
        while True:
            try:
                envelope = await self._until_answered(ref)
                break
            except StepFailed as error:
                if failure_type(error) != NEEDS_A_PERSON:
                    raise
                choice = await self.desk.ask(f"signature of {ref.party}", failure_text(error))
                if choice is not InterventionAction.RETRY:
                    envelope = None
                    break
                ref.tries += 1
        async with self.desk.turn:
            self._take(ref, envelope)
            await self.desk.record()

    async def _until_answered(self, ref: EnvelopeRef) -> Envelope:
        application = self.desk.application
        request = EnvelopeRequest(
            key=operation_key(application.application_id, "envelope", ref.n, ref.tries),  # type: ignore[arg-type]
            reference=application.application_id,
            party=ref.party,
            text=ref.text,
            terms_hash=ref.terms_hash,
            consent_text=self._party(ref).consent_evidence.text,  # type: ignore[union-attr]
            consent_at=self._party(ref).consent_evidence.at,  # type: ignore[union-attr]
        )
        envelope = await workflow.execute_activity_method(
            SigningSteps.send_envelope,
            request,
            summary=Readable(f"Have {ref.party} sign"),
            **options.LENDING_PATIENT,
        )
        ref.envelope_id = envelope.id
        if envelope.state is EnvelopeState.SENT:
            async with self.desk.turn:
                await self.desk.record()
        looks = 0
        while envelope.state is EnvelopeState.SENT:
            if self._of_no_use(ref):
                return await self._voided(ref, envelope)
            await self._heard_or_due(ref, envelope.id, LOOKS[min(looks, len(LOOKS) - 1)])
            looks += 1
            envelope = await workflow.execute_activity_method(
                SigningSteps.look_at_envelope,
                envelope.id,
                summary=Readable(f"Look whether {ref.party} has signed"),
                **options.LENDING_PATIENT,
            )
        return envelope

    async def _heard_or_due(self, ref: EnvelopeRef, envelope_id: str, patience: timedelta) -> None:
        """The provider tells, the signature is of no use any more, or it is time to ask."""
        scaled = patience * (self.desk.application.policy.day / A_DAY)
        try:
            await workflow.wait_condition(
                lambda: envelope_id in self.told or self._of_no_use(ref),
                timeout=scaled,
                timeout_summary=Readable("Ask the signature provider"),
            )
        except TimeoutError:
            return
        self.told.discard(envelope_id)

    async def _voided(self, ref: EnvelopeRef, envelope: Envelope) -> Envelope:
        key = operation_key(self.desk.application.application_id, "void-envelope", ref.n, ref.tries)  # type: ignore[arg-type]
        return await workflow.execute_activity_method(
            SigningSteps.void_envelope,
            VoidEnvelope(envelope_id=envelope.id, key=key),
            summary=Readable("Take the envelope back"),
            **options.LENDING_PATIENT,
        )

    def _of_no_use(self, ref: EnvelopeRef) -> bool:
        """It has ended, or the party has signed with a pen meanwhile."""
        over = self.desk.ending is not None or self.desk.application.outcome is not None
        return over or self._signed(self._party(ref))

    def _take(self, ref: EnvelopeRef, envelope: Envelope | None) -> None:
        """The provider's answer: a signature, if it is of what was to be signed and is still awaited."""
        ref.open = False
        if envelope is None:
            return
        ref.state = envelope.state.value
        if envelope.state is not EnvelopeState.COMPLETED:
            self.desk.event(f"signature_{envelope.state.value}", party=ref.party, n=ref.n)
            return
        if (envelope.text, envelope.terms_hash, envelope.party) != (ref.text, ref.terms_hash, ref.party):
            ref.state = "wrong"
            self.desk.event("signature_of_another_text", party=ref.party, n=ref.n, text=envelope.text)
            if workflow.patched("another text is alarmed"):
                self._alarm(ref.party)
            return
        if self._of_no_use(ref):
            return
        party = self._party(ref)
        self.desk.application.signatures.append(
            Signature(
                party=ref.party,
                text=ref.text,
                terms_hash=ref.terms_hash,
                way=SignatureWay.ELECTRONIC,
                at=workflow.now(),
                channel=ref.channel,
                actor=ref.actor,
                envelope_id=envelope.id,
                evidence=envelope.evidence,
                consent=party.consent_evidence,
            )
        )
        self.desk.event(
            "signed", ref.actor, party=ref.party, way="electronic", text=ref.text, evidence=envelope.evidence
        )

    def _append(self, party: Party, text: str, command: messages.Sign) -> None:
        application = self.desk.application
        application.signatures.append(
            Signature(
                party=party.party,
                text=text,
                terms_hash=application.terms_hash,
                way=command.way,
                at=workflow.now(),
                channel=command.actor.channel,
                actor=command.actor,
            )
        )
        self.desk.event("signed", command.actor, party=party.party, way=command.way.value, text=text)

    def _signed(self, party: Party) -> bool:
        return any(each.party == party.party for each in self.desk.application.signatures)

    def _party(self, ref: EnvelopeRef) -> Party:
        found = self.desk.application.party(ref.party)
        assert found is not None
        return found


def _task(ref: EnvelopeRef) -> str:
    return f"signature {ref.n}"
