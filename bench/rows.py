"""All rows by name, in the order in which they are measured. Each takes an Options and returns a Row."""

import rows_beside
import rows_cluster
import rows_connections
import rows_decide
import rows_process
import rows_wakeups
import rows_workers
import rows_writes

ROWS = {
    "cooled-down": rows_decide.cooled_down,
    "claims": rows_decide.claims_sqlite,
    "claims-mariadb": rows_decide.claims_mariadb,
    "cooled-down-mariadb": rows_decide.cooled_down_mariadb,
    "workers": rows_workers.workers,
    "crossing": rows_cluster.crossing,
    "three-nodes": rows_cluster.three_nodes,
    "mix": rows_writes.own_mix,
    "events": rows_writes.events_as_deployed,
    "events-sqlite": rows_writes.events_sqlite,
    "per-request": rows_connections.per_request,
    "connections": rows_connections.open_connections,
    "storm": rows_connections.storm,
    "idle": rows_connections.idle_memory,
    "cached": rows_process.cached_users,
    "growth-popups": rows_decide.growth_popups,
    "growth-users": rows_decide.growth_users,
    "start": rows_process.empty_start,
    "ship": rows_beside.claims_while_shipping,
    "erase": rows_beside.claims_while_erasing,
    "exports": rows_beside.cold_while_exporting,
    "wake-ups": rows_wakeups.wake_ups,
}
