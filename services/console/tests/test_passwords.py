"""Passwords are checked two at a time, and a crowd is told to come back."""

import asyncio

import pytest
from argon2 import PasswordHasher
from trunkline_console.adapters import passwords
from trunkline_console.adapters.passwords import AT_ONCE, MAX_WAITING, PasswordChecks, hash_password
from trunkline_core.errors import Overloaded


async def test_a_password_fits_its_hash_and_nobodys_fits_none() -> None:
    check, known = PasswordChecks(), hash_password("right")
    assert [await check("right", known), await check("wrong", known), await check("nobody", None)] == [
        True,
        False,
        False,
    ]


def test_an_unknown_name_takes_as_long_as_a_known_one() -> None:
    assert not PasswordHasher().check_needs_rehash(passwords._NOBODY)


async def test_two_are_checked_at_once_some_wait_and_more_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    running, most, release = 0, 0, asyncio.Event()

    async def slow(work: object, *args: object) -> bool:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await release.wait()
        running -= 1
        return True

    monkeypatch.setattr(passwords.asyncio, "to_thread", slow)
    check = PasswordChecks()
    crowd = [asyncio.create_task(check("x", "hash")) for _ in range(AT_ONCE + MAX_WAITING + 3)]
    while running < AT_ONCE:
        await asyncio.sleep(0)
    release.set()
    answers = await asyncio.gather(*crowd, return_exceptions=True)
    assert (answers.count(True), most) == (AT_ONCE + MAX_WAITING, AT_ONCE)
    assert sum(isinstance(answer, Overloaded) for answer in answers) == 3
