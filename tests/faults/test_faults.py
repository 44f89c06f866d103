"""Random faults under load: confirmed data are kept, promises hold, and the node recovers by itself."""

import shutil

from campaign import CampaignRun
from conftest import REPLAY, ROUNDS, SEED, say, total
from plan import needs_server

_said = []


def say_seed():
    if not _said:
        _said.append(SEED)
        say(f"\nfaults: seed {SEED}, {ROUNDS} rounds; again: {REPLAY}")


def test_campaign(campaign_plan, request, tmp_path, with_disk):
    say_seed()
    server = request.getfixturevalue("server") if needs_server(campaign_plan.store) else None
    directory = tmp_path / f"campaign-{campaign_plan.number}"
    run = CampaignRun(campaign_plan, directory, server, with_disk, say)
    try:
        run.run()
    except Exception:
        say(f"campaign {campaign_plan.name} FAILED; seed {SEED}; again: {REPLAY} --campaign {campaign_plan.number}; "
            f"what it left: {directory}")
        raise
    finally:
        total.add(run.outcome)
    shutil.rmtree(directory)
