"""The stories of returns and exchanges on real servers."""

import pytest

from tests.workflows.exchanging_journeys import EXCHANGING_JOURNEYS
from tests.workflows.working import OpenShop

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("name", EXCHANGING_JOURNEYS)
async def test_a_return_goes_its_way(open_shop: OpenShop, name: str) -> None:
    await EXCHANGING_JOURNEYS[name](await open_shop(s1=20, s2=20))
