"""The demo: sample orders played over HTTP by the callers who would really send them, then checked from outside."""

from workers.demo.playing import play as play
