"""Real browsers on the whole running centre; each test has a tenant of its own."""

from collections.abc import Generator, Iterator
from functools import partial
from pathlib import Path

import pytest
from browsing import FLAGS, People
from own_tenants import OwnTenant, TenantFactory, define_tenant
from playwright.sync_api import Browser, expect, sync_playwright
from trunkline_embedded.browser import require_chromium
from trunkline_launcher.layout import Layout

EXPECT_MS = 20_000
FAILED = pytest.StashKey[bool]()


# Not longer than a module: Playwright's event loop stops every asynchronous test that follows in this process.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of a module."""
    expect.set_options(timeout=EXPECT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=require_chromium(), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def people(
    chromium: Browser, centre: Layout, request: pytest.FixtureRequest, tmp_path: Path
) -> Generator[People, None, None]:
    """Who takes part; nobody's browser may have complained at the end."""
    everybody = People(chromium, centre)
    yield everybody
    if request.node.stash.get(FAILED, False):
        print("pictures:", *everybody.take_pictures(tmp_path))
    everybody.leave()
    assert everybody.complaints == []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember a failure, so that pictures can be taken while the browsers are open."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.fixture(scope="module")
def new_tenant(centre: Layout) -> TenantFactory:
    """Factory of tenants: `new_tenant(queue={"chat_lease_duration": "4s"})`."""
    return partial(define_tenant, centre)


@pytest.fixture
def tenant(new_tenant: TenantFactory) -> OwnTenant:
    """A tenant of this test's own."""
    return new_tenant()


@pytest.fixture(params=["zh", "en"])
def language(request: pytest.FixtureRequest) -> str:
    """Each language in turn."""
    return str(request.param)
