"""The story: two seeded weeks of invented documents, in English and Chinese, about some forty invented companies.

`tell` gives the records of the feed, the watchlist and, apart from both, what was planted in it. The companies are in
`companies`, the wordings in `everyday_*` and `events_*`, the vendors in `sources`; `planting` decides what happens,
`events` and `telling` write it. As a command: `python -m monitor.lab.story --seed N --feed FILE --watchlist FILE`.
"""

from monitor.lab.story.planting import Planted, PlantedKind
from monitor.lab.story.table import watchlist_table
from monitor.lab.story.telling import Story, StorySettings, tell

__all__ = ["Planted", "PlantedKind", "Story", "StorySettings", "tell", "watchlist_table"]
