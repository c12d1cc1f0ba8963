"""All orders of the demo, in the order in which they are shown."""

from workers.demo.collected import COLLECTED
from workers.demo.shipped import SHIPPED
from workers.demo.story import Story

STORIES: tuple[Story, ...] = (*COLLECTED, *SHIPPED)
