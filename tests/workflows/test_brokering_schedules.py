"""One schedule for each queue with runs, as the newest rules say, on a real server."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.sourcing import QueueRuns
from gateway.brokering import keep_schedules, pause, resume, schedule_now, schedule_of
from tests.workflows.brokering_journeys import QUEUE, broker, last_run, queued, under, waiting_rules
from tests.workflows.working import OpenShop

pytestmark = pytest.mark.stack


async def test_a_schedule_follows_the_rules_stays_paused_and_ends_with_a_last_run(open_shop: OpenShop) -> None:
    shop = await open_shop(s1=20)
    async with under(shop, waiting_rules()):
        for _ in range(2):
            await keep_schedules(shop.client, shop.transactions)
        await pause(shop.client, QUEUE, "ada: the warehouse counts")
        order = await queued(shop)
        hourly = QueueRuns(queue=QUEUE, every_seconds=3600)
        async with under(shop, waiting_rules().model_copy(update={"runs": (hourly,)})):
            await keep_schedules(shop.client, shop.transactions)
            kept = await schedule_now(shop.client, QUEUE)
            assert kept is not None
            assert [each.every for each in kept.schedule.spec.intervals] == [timedelta(hours=1)]
            assert (kept.schedule.state.paused, kept.schedule.state.note) == (True, "ada: the warehouse counts")
            await resume(shop.client, QUEUE, "ada: counted")
            kept = await schedule_now(shop.client, QUEUE)
            assert kept is not None
            assert not kept.schedule.state.paused
            assert kept.info.next_action_times
    await keep_schedules(shop.client, shop.transactions)  # these rules have no runs
    assert await schedule_now(shop.client, QUEUE) is None
    await order.until(lambda view: view.groups[0].status == "offered")
    assert (await last_run(shop)).by == "its runs were ended"
    assert (await broker(shop)).looked_at == 0
    await order.cancel()
    await order.ended()


async def test_a_run_comes_at_its_time_of_the_day_in_winter_and_in_summer(open_shop: OpenShop) -> None:
    shop = await open_shop(s1=1)
    zone = ZoneInfo("Europe/Berlin")
    wanted = schedule_of(QueueRuns(queue=QUEUE, at=("07:30",), zone="Europe/Berlin"))
    change = datetime(datetime.now(UTC).year + 1, 3, 24, tzinfo=UTC)
    wanted.spec.start_at = change
    handle = await shop.client.create_schedule(f"clocks/{shop.name}", wanted)
    try:
        times = (await handle.describe()).info.next_action_times
        assert len(times) > 8
        assert {at.astimezone(zone).strftime("%H:%M") for at in times} == {"07:30"}
        assert {at.astimezone(UTC).hour for at in times} == {5, 6}
    finally:
        await handle.delete()
