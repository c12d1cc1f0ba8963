"""A tiny order that lets a person's mail address into every place of a history where data can go."""

import asyncio
from datetime import datetime, timedelta

from pydantic import BaseModel
from temporalio import activity, workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError

from domain.personal import PersonalData, Readable
from domain.store_hours import always_open, local_wall_later


class Story(BaseModel):
    person: PersonalData
    stops_with_failure: bool = False


@activity.defn
async def notify(person: PersonalData) -> PersonalData:
    if activity.info().attempt == 1:
        activity.heartbeat(person)
        await asyncio.sleep(0.2)
        raise ApplicationError(f"first try for {person.email}", person)
    return person


@activity.defn
async def look_up(person: PersonalData) -> PersonalData:
    return person


@workflow.defn
class ParcelStory:
    @workflow.run
    async def run(self, person: PersonalData) -> PersonalData:
        return person


@workflow.defn
class ZoneStory:
    @workflow.run
    async def run(self, at: datetime) -> datetime:
        return local_wall_later(always_open("Europe/Berlin"), at, timedelta(days=1))


@workflow.defn
class OrderStory:
    def __init__(self) -> None:
        self.notes: list[PersonalData] = []

    @workflow.run
    async def run(self, story: Story) -> PersonalData:
        workflow.set_current_details("waits for the customer")
        person = await workflow.execute_activity(
            notify,
            story.person,
            start_to_close_timeout=timedelta(seconds=10),
            heartbeat_timeout=timedelta(seconds=5),
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=10)),
            summary=Readable("tells the customer"),
        )
        person = await workflow.execute_local_activity(look_up, person, start_to_close_timeout=timedelta(seconds=5))
        await workflow.sleep(timedelta(milliseconds=10), summary=Readable("waits a moment"))
        child = f"{workflow.info().workflow_id}/parcel".replace("order/", "parcel/")
        await workflow.execute_child_workflow(ParcelStory.run, person, id=child, static_summary=Readable("a parcel"))
        await workflow.wait_condition(lambda: len(self.notes) >= 2)
        if story.stops_with_failure:
            raise ApplicationError(f"cannot go on for {person.email}", person, non_retryable=True)
        return person

    @workflow.signal
    def arrive(self, person: PersonalData) -> None:
        self.notes.append(person)

    @workflow.update
    async def note(self, person: PersonalData) -> PersonalData:
        self.notes.append(person)
        return person

    @note.validator
    def _may_note(self, person: PersonalData) -> None:
        if person.name == "Nobody":
            raise ValueError(f"no order of {person.email}")

    @workflow.query
    def asks_for(self, person: PersonalData) -> PersonalData:
        return person
