"""The rooms of the source tree: who may include whom, and which vendor's headers may stand where."""

CORE = {"base", "json"}
ACTORS = CORE | {"config", "decision", "net", "storage", "cluster"}
CONTEXT = ACTORS | {"actors/context"}
APP = ACTORS | {"storage/sqlite", "storage/mysql", "peers", "actors/context", "actors/seam", "actors/api", "actors/members",
                "actors/node"}

# Room -> the rooms that it may include, besides itself. A file belongs to the room with the longest name that fits
# its path; a room below another may include that one.
MAY_INCLUDE = {
    "base": set(),
    "json": {"base"},
    "config": CORE,
    "decision": CORE,
    "net": CORE,
    "storage": CORE | {"decision"},
    "storage/sqlite": CORE | {"decision"},
    "storage/sharded": CORE | {"decision"},
    "storage/mysql": CORE | {"decision", "storage/sharded"},
    "cluster": CORE | {"decision", "storage"},
    "peers": CORE | {"config", "decision", "net", "storage", "cluster"},
    "actors/context": ACTORS,
    "actors/seam": CONTEXT,
    "actors/work": CONTEXT,
    "actors/users": CONTEXT,
    "actors/catalog": CONTEXT,
    "actors/members": CONTEXT | {"actors/users", "peers"},
    "actors/api": CONTEXT | {"actors/seam", "actors/users"},
    "actors/node": CONTEXT | {"actors/work", "actors/users", "actors/catalog", "actors/members", "actors/api", "peers",
                              "storage/sqlite", "storage/mysql", "storage/sharded"},
    "apps/beckon/host": APP,
    "apps/beckon/commands": APP | {"apps/beckon/host"},
    "apps/beckon/check": APP | {"apps/beckon/host", "apps/beckon/commands"},
    "apps/beckon/serve": APP | {"apps/beckon/host", "apps/beckon/commands", "apps/beckon/check"},
    "apps/beckon/workers": APP | {"apps/beckon/host", "apps/beckon/commands", "apps/beckon/check", "apps/beckon/serve"},
    "apps/beckon": APP | {"apps/beckon/host", "apps/beckon/commands", "apps/beckon/check", "apps/beckon/serve",
                          "apps/beckon/workers"},
    "apps/examples/hello": CORE | {"net", "actors/seam", "apps/beckon"},
    "bench/load": CORE,
}

# Vendor header (start of its name) -> the rooms that may include it.
VENDOR_HOMES = {
    "sqlite3": {"storage/sqlite"},
    "mysql": {"storage/mysql"},
    "mariadb": {"storage/mysql"},
    "boost/beast": {"net"},
    "boost/asio": set(),
    "curl/": {"apps/beckon/commands"},
    "openssl/": {"peers"},
    "rapidjson/": {"json"},
    # Sockets: HTTP's, and those of the links to other nodes, which lie below CAF's own protocol.
    "caf/io/": {"net", "peers"},
    # It is loaded where the actor system is made.
    "caf/io/middleman.hpp": {"net", "peers", "actors/members", "actors/node", "apps/beckon"},
}
