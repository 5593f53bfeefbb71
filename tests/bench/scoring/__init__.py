"""Parts of `bench_score`: texts, contenders in processes of their own, rounds, and what is told of them.

Order of events: the texts of a round -> every contender in turn -> medians and ratios -> table, chart, JSON.
"""
