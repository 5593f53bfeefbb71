"""The demo: the story told, followed live, and judged. `monitor demo`, which is what `make run` runs.

`play` is the whole of it; `course` is what the monitor has said so far, `view` and `card` draw it, `screen` and `pace`
show it at a speed that can be followed, `watcher` joins them to the engine's loop, `ending` and `serving` come last.
The truth about the story is read by nothing but the verdict.
"""

from monitor.lab.demo.play import DEMO_OPTIONS, DemoArguments, demo

__all__ = ["DEMO_OPTIONS", "DemoArguments", "demo"]
