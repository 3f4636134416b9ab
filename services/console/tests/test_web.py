"""The web pages' own tests (`npm test` in services/console/web) belong to `make test`."""

from pathlib import Path

import pytest
from trunkline_core.errors import Misconfigured
from trunkline_embedded.web import run_script

WEB = Path(__file__).parents[1] / "web"


def test_the_pages_own_tests_pass():
    run_script(WEB, "test")


def test_a_script_that_fails_is_told_with_what_it_said():
    with pytest.raises(Misconfigured, match=r"(?s)npm run nothing failed in .*Missing script"):
        run_script(WEB, "nothing")
