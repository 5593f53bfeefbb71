"""`monitor members`: which processes share each role's work, and how one that will not come back is let go.

A process with a `kafka.static_id` never leaves its group, so that a restart moves no state: on scale-down partitions
of its would wait for the session timeout. Removing it gives them to the others at once.
"""

from functools import partial
from typing import TextIO

from monitor.app.states import ask_group, open_cluster
from monitor.clock import Clock
from monitor.config import Config
from monitor.errors import ConfigError, ExitCode


def list_members(config: Config, say: TextIO, clock: Clock) -> ExitCode:
    """One line for each process in each role's group. Raises: ConfigError, DependencyError."""
    cluster, admin = open_cluster(config, clock)
    from monitor.app.distributed.cluster import RoleName

    try:
        for role in RoleName:
            members = ask_group(partial(admin.members, cluster.group(role)), clock)
            if not members:
                print(f"{role.value}: nobody", file=say)
            for one in members:
                who = f"static {one.static_id}" if one.static_id is not None else "dynamic"
                what = ", ".join(map(str, one.partitions)) or "no partition"
                print(f"{role.value}: {who} at {one.host}: {what}", file=say)
    finally:
        admin.close()
    return ExitCode.DONE


def remove_member(config: Config, role_name: str, static_id: str, say: TextIO, clock: Clock) -> ExitCode:
    """Let a static member go; one that is not there is gone already, which is no fault.

    Raises: ConfigError: there is no such role. DependencyError.
    """
    cluster, admin = open_cluster(config, clock)
    from monitor.app.distributed.cluster import RoleName

    try:
        roles = [role.value for role in RoleName]
        if role_name not in roles:
            raise ConfigError(f"--role: {role_name} is no role that runs on Kafka; name one of {', '.join(roles)}")
        group = cluster.group(RoleName(role_name))
        if ask_group(partial(admin.remove_member, group, static_id), clock):
            print(f"{static_id} is removed from {group}: its partitions go to the others", file=say)
        else:
            there = ask_group(partial(admin.members, group), clock)
            names = [one.static_id for one in there if one.static_id is not None]
            print(f"{static_id} is not in {group}; static members there: {', '.join(names) or 'none'}", file=say)
    finally:
        admin.close()
    return ExitCode.DONE
