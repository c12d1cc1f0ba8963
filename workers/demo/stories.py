"""All orders of the demo, in the order in which they are shown."""

from workers.demo.changed import CHANGED
from workers.demo.collected import COLLECTED
from workers.demo.lockers import IN_LOCKERS
from workers.demo.returned import RETURNED
from workers.demo.shipped import SHIPPED
from workers.demo.sourced import SOURCED
from workers.demo.story import Story

STORIES: tuple[Story, ...] = (*COLLECTED, *IN_LOCKERS, *SHIPPED, *SOURCED, *CHANGED, *RETURNED)
