"""The report: one HTML file about a period: each alert with its reason, and what was left untold and why.

It is self-contained: no request leaves the machine, no script is needed to read it, and whatever a feed said is
escaped. `readings` reads the history, by the `hours`; `cases` with their `pictures` and `untold` gather what is
shown, `charts` draw, `words` speak, `page` writes.
"""

from monitor.lab.report.page import ReportHeading, check_place, heading_of, write_report

__all__ = ["ReportHeading", "check_place", "heading_of", "write_report"]
