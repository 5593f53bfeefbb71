"""The rooms of `bench_kafka`: what each role costs on a real broker, how fast it is, how soon it tells and is back.

Every role runs in a process of its own, as the product runs it, beside a bare loop of the client library and beside
the same stages without a broker. Left out: the scorer, and several brokers.
"""
