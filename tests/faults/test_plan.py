"""The plan is a pure function of the seed, and it holds what it must."""

import collections

import pytest

from plan import KINDS, STORES, kinds_of, make_plan

SEEDS = range(50)


def faults_of(plan):
    return [fault for campaign in plan for one in campaign.rounds for fault in one.faults]


def test_the_same_seed_gives_the_same_plan():
    for seed in SEEDS:
        assert make_plan(seed, 37) == make_plan(seed, 37)


def test_other_seeds_give_other_plans():
    plans = [repr(make_plan(seed, 20)) for seed in SEEDS]
    assert len(set(plans)) == len(plans)
    firsts = collections.Counter(faults_of(make_plan(seed, 20))[0].kind for seed in SEEDS)
    assert len(firsts) >= 4, firsts


@pytest.mark.parametrize("rounds", (1, 2, 3, 12, 35, 220))
def test_it_has_the_rounds_asked_for_and_every_store_its_turn(rounds):
    plan = make_plan(7, rounds)
    numbers = [one.number for campaign in plan for one in campaign.rounds]
    assert numbers == list(range(1, rounds + 1))
    assert {campaign.store for campaign in plan} == set(STORES[:rounds])
    assert len(plan) <= len(STORES) or all(8 <= len(campaign.rounds) <= 12 for campaign in plan)


@pytest.mark.parametrize("store", STORES)
def test_a_plan_for_one_store_has_no_other(store):
    plan = make_plan(7, 35, (store,))
    assert {campaign.store for campaign in plan} == {store} and len(plan) == 4
    assert [one.number for campaign in plan for one in campaign.rounds] == list(range(1, 36))


def test_every_kind_occurs_on_every_store_that_it_concerns():
    for seed in SEEDS:
        plan = make_plan(seed, 160)
        for store in STORES:
            seen = {fault.kind for fault in faults_of([one for one in plan if one.store == store])}
            assert seen == set(kinds_of(store, True)), (seed, store)


def test_faults_of_a_round_overlap_and_never_share_a_target():
    overlapping = 0
    for seed in SEEDS:
        for campaign in make_plan(seed, 60):
            for one in campaign.rounds:
                targets = [KINDS[fault.kind].target for fault in one.faults]
                assert len(set(targets)) == len(targets) in (1, 2, 3), one
                assert "disk" not in targets or campaign.small_disk
                first = one.faults[0]
                assert all(fault.start_s <= first.lasts_s for fault in one.faults), one
                overlapping += len(targets) > 1
    assert overlapping > 500


def test_no_fault_lasts_longer_than_its_kind_may():
    for seed in SEEDS:
        for fault in faults_of(make_plan(seed, 60)):
            assert 0 <= fault.lasts_s <= KINDS[fault.kind].most_s + 0.5, fault


def test_a_full_disk_without_the_store_being_away_is_not_planned_where_only_the_outbox_is_on_it():
    for seed in SEEDS:
        for campaign in make_plan(seed, 60):
            if campaign.store.startswith("mysql"):
                for one in campaign.rounds:
                    kinds = [fault.kind for fault in one.faults]
                    assert "disk-full" not in kinds or "refuse" in kinds, one
