"""What a cluster must never do, seen in its tables as it happens: triggers write down every claim with the owner of its
shard at that moment, every change of a user's state, and every change of an owner. Each node has an account of its own,
so that the database knows whose claim it is."""

TABLES = """CREATE TABLE audit_node(incarnation BIGINT PRIMARY KEY, name VARBINARY(255));
CREATE TABLE audit_claim(seq BIGINT AUTO_INCREMENT PRIMARY KEY, account VARBINARY(255), user VARBINARY(255),
  version BIGINT, shard SMALLINT, owner BIGINT, epoch BIGINT);
CREATE TABLE audit_state(seq BIGINT AUTO_INCREMENT PRIMARY KEY, account VARBINARY(255), user VARBINARY(255),
  old_version BIGINT, version BIGINT);
CREATE TABLE audit_shard(seq BIGINT AUTO_INCREMENT PRIMARY KEY, shard SMALLINT, old_owner BIGINT, old_epoch BIGINT,
  owner BIGINT, epoch BIGINT);
INSERT INTO audit_node SELECT incarnation, name FROM cl_node;
"""
ACCOUNT = "SUBSTRING_INDEX(USER(), '@', 1)"
# A showing is counted in the transaction that stores its claim, after the state. Only an owner claims; events are at
# times stored by others, under the owner's fence.
SHOW = 5
CLAIM_ROW = f"""INSERT INTO audit_claim(account, user, version, shard, owner, epoch)
  SELECT {ACCOUNT}, u.user, u.version, s.shard, s.owner, s.epoch FROM user_state AS u JOIN cl_shard AS s USING(shard)
  WHERE NEW.kind = {SHOW} AND u.user = NEW.user"""
TRIGGERS = {
    "audit_node_in": "AFTER INSERT ON cl_node FOR EACH ROW INSERT INTO audit_node VALUES(NEW.incarnation, NEW.name)",
    "audit_claim_in": "AFTER INSERT ON stat_user FOR EACH ROW " + CLAIM_ROW,
    "audit_claim_up": "AFTER UPDATE ON stat_user FOR EACH ROW " + CLAIM_ROW,
    "audit_state_up": "AFTER UPDATE ON user_state FOR EACH ROW INSERT INTO audit_state(account, user, old_version, "
                      f"version) VALUES({ACCOUNT}, NEW.user, OLD.version, NEW.version)",
    "audit_shard_up": "AFTER UPDATE ON cl_shard FOR EACH ROW INSERT INTO audit_shard(shard, old_owner, old_epoch, "
                      "owner, epoch) VALUES(NEW.shard, OLD.owner, OLD.epoch, NEW.owner, NEW.epoch)",
}
# Findings that must not occur.
FINDINGS = {
    "stale commit": "SELECT account, user, version, shard, owner, epoch FROM audit_claim LEFT JOIN audit_node "
                    "ON owner = incarnation WHERE name IS NULL OR name <> account",
    "state overwritten": "SELECT account, user, old_version, version FROM audit_state WHERE version < old_version",
    "epoch went back": "SELECT shard, old_owner, old_epoch, owner, epoch FROM audit_shard WHERE epoch < old_epoch",
    "two owners in an epoch": "SELECT shard, old_owner, old_epoch, owner, epoch FROM audit_shard "
                              "WHERE owner <> old_owner AND epoch <= old_epoch",
}


class Audit:
    """For one database with existing tables. `accounts` are named after the nodes that use them."""

    def __init__(self, server, database):
        self._server = server
        self._database = database

    def begin(self):
        triggers = "".join(f"CREATE TRIGGER {name} {what};\n" for name, what in TRIGGERS.items())
        self._rows(TABLES + triggers)

    def findings(self):
        """The rows of each finding that has any."""
        found = {name: self._rows(sql) for name, sql in FINDINGS.items()}
        return {name: rows for name, rows in found.items() if rows}

    def numbers(self):
        """How much was checked."""
        count = lambda what: int(self._rows(f"SELECT COUNT(*) FROM {what}")[0][0])  # noqa: E731
        return {"claims_audited": count("audit_claim"), "owners_changed": count("audit_shard WHERE owner <> old_owner"),
                "incarnations": count("audit_node")}

    def _rows(self, sql):
        return [line.split("\t") for line in self._server.sql(f"USE {self._database};\n{sql}").splitlines()]
