"""The distributed monitor: the same roles as in one process, joined by Kafka, in as many processes as a desk wants.

Each role is a worker with a thread of its own: a member of the role's group, which reads, lets the role decide, makes
the outputs durable, and only then commits. What a worker holds in memory of a partition it gives up whenever anything
fails, and begins again from the commit, as after a crash.
"""
