"""The catalogue for all rows, on a node or a peer: like a shop's."""

from filling import claim_users
from row import PLACEMENT
from servers import BenchFailed, ask, must


def popups(count=12, at_placement=4):
    """`count` popups, `at_placement` of them at the placement, the others elsewhere."""
    return [{"id": f"popup-{n:03d}", "status": "live", "placements": [PLACEMENT if n < at_placement else f"place-{n}"],
             "priority": 1000 - n,
             "frequency": {"every": "24h", "after_dismiss": "7d", "stop_after": ["convert"]},
             "content": {"title": "Ten per cent off", "body": "For your first order today", "image": "/i/offer.webp",
                         "cta": {"label": "Show me", "url": "https://shop.example/offer"}}} for n in range(count)]


def seed(node, min_gap="7d", **sizes):
    must(node.port, "PUT", "/v1/settings", {"min_gap": min_gap})
    for one in popups(**sizes):
        must(node.port, "PUT", f"/v1/popups/{one['id']}", one)


def cool_down(node, count, form="pool-{:06d}"):
    """Claims for `count` users, who are in cooldown afterwards; returns the answer to one of them."""
    answered = claim_users(node.port, (form.format(n) for n in range(count)), PLACEMENT)
    if answered != count:
        raise BenchFailed(f"{answered} of {count} users were claimed")
    return sample(node, form.format(0), "COOLDOWN")


def sample(node, user, reason):
    """The body of one answer, which must be for that reason."""
    status, body = ask(node.port, "POST", "/v1/decide", {"user": user, "placements": [PLACEMENT]})
    if status != 200 or f'"{reason}"'.encode() not in body:
        raise BenchFailed(f"{node.name}: expected {reason}, got {status} {body!r}")
    return body.decode()
