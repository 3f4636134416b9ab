"""The limit on guessing: whom it stops, whom it must not, and that nothing makes it forget."""

import pytest
from trunkline_console.application import guessing
from trunkline_console.application.guessing import MAX_WRONG, MAX_WRONG_OF_ADDRESS, MAX_WRONG_OF_LOGIN, SPAN_S, Guessing
from trunkline_core.errors import Overloaded

HERE, THERE = "192.0.2.1", "198.51.100.1"


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def guesses(clock: Clock) -> Guessing:
    return Guessing(clock)


def guess(guesses: Guessing, login: str, address: str, times: int) -> int:
    """Return how many were let through."""
    through = 0
    for _ in range(times):
        try:
            guesses.count(login, address)
        except Overloaded:
            continue
        through += 1
    return through


def test_wrong_guesses_at_a_login_do_not_keep_its_user_out_elsewhere(guesses: Guessing) -> None:
    assert guess(guesses, "li", HERE, MAX_WRONG * 2) == MAX_WRONG
    assert guess(guesses, "li", THERE, 1) == 1
    assert guess(guesses, "wang", HERE, 1) == 1


def test_one_address_cannot_guess_at_all_logins(guesses: Guessing) -> None:
    assert sum(guess(guesses, f"user {number}", HERE, 1) for number in range(500)) == MAX_WRONG_OF_ADDRESS
    assert guess(guesses, "li", THERE, 1) == 1


def test_many_addresses_cannot_guess_at_one_login_for_ever(guesses: Guessing) -> None:
    assert sum(guess(guesses, "li", f"192.0.2.{number}", 5) for number in range(250)) == MAX_WRONG_OF_LOGIN


def test_all_addresses_of_an_ipv6_network_are_one_and_a_mapped_address_is_the_ipv4_one(guesses: Guessing) -> None:
    assert sum(guess(guesses, "li", f"2001:db8::{number:x}", 1) for number in range(50)) == MAX_WRONG
    assert guess(guesses, "li", "2001:db8:0:1::1", 1) == 1
    assert guess(guesses, "wang", HERE, MAX_WRONG) + guess(guesses, "wang", f"::ffff:{HERE}", 1) == MAX_WRONG


def test_a_flood_of_names_makes_it_forget_nothing(guesses: Guessing) -> None:
    guess(guesses, "li", HERE, MAX_WRONG)
    for number in range(20_000):
        guess(guesses, f"name {number}", f"10.{number // 250}.{number % 250}.1", 1)
    assert guess(guesses, "li", HERE, 1) == 0


def test_whoever_waits_as_told_may_guess_again(guesses: Guessing, clock: Clock) -> None:
    guess(guesses, "li", HERE, MAX_WRONG)
    with pytest.raises(Overloaded) as refusal:
        guesses.count("li", HERE)
    assert 0 < refusal.value.retry_after_s <= SPAN_S / MAX_WRONG
    clock.now += refusal.value.retry_after_s
    assert guess(guesses, "li", HERE, 2) == 1
    clock.now += SPAN_S
    assert guess(guesses, "li", HERE, MAX_WRONG * 2) == MAX_WRONG


def test_right_passwords_cost_nothing_also_of_a_whole_office_behind_one_address(guesses: Guessing) -> None:
    for number in range(MAX_WRONG_OF_ADDRESS * 3):
        guesses.count(f"user {number}", HERE)
        guesses.forgive(f"user {number}", HERE)
    assert guess(guesses, "user 1", HERE, MAX_WRONG) == MAX_WRONG


def test_a_right_password_forgives_the_wrong_ones_before_it_from_there_only(guesses: Guessing) -> None:
    guess(guesses, "li", HERE, MAX_WRONG - 1)
    guess(guesses, "li", THERE, MAX_WRONG)
    guesses.count("li", HERE)
    guesses.forgive("li", HERE)
    assert guess(guesses, "li", HERE, MAX_WRONG) == MAX_WRONG
    assert guess(guesses, "li", THERE, 1) == 0


def test_its_memory_is_fixed(guesses: Guessing) -> None:
    levels = guesses._of_pair._levels
    guess(guesses, "li", HERE, 1)
    assert len(levels) == guessing.SLOTS
