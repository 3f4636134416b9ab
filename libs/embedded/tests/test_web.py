import json
import re

import pytest
from trunkline_core.errors import Misconfigured
from trunkline_embedded import web
from trunkline_embedded.web import build_web

BUILD = "const fs=require('fs');fs.rmSync('dist',{recursive:true,force:true});fs.mkdirSync('dist');\
fs.writeFileSync('dist/index.html',fs.readFileSync('src/page.html')+process.version)"


@pytest.fixture
def source(tmp_path, monkeypatch):
    monkeypatch.setenv("TRUNKLINE_TOOLCHAIN", str(tmp_path / "toolchain"))
    app = tmp_path / "app"
    (app / "src").mkdir(parents=True)
    (app / "src" / "page.html").write_text("one")
    (app / "build.cjs").write_text(BUILD)
    package = {"name": "app", "version": "1.0.0", "private": True}
    (app / "package.json").write_text(json.dumps(package | {"scripts": {"build": "node build.cjs"}}))
    lock = {"name": "app", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": package}}
    (app / "package-lock.json").write_text(json.dumps(lock))
    return app


def test_an_application_is_built_with_the_node_of_this_environment(source):
    dist = build_web(source, lambda line: None)
    assert dist == source / "dist"
    assert (dist / "index.html").read_text().startswith("onev24.")


def test_an_unchanged_application_is_not_built_again(source):
    build_web(source, lambda line: None)
    build_web(source, pytest.fail)


def test_a_changed_source_is_built_again_without_installing(source):
    build_web(source, lambda line: None)
    (source / "src" / "page.html").write_text("two")
    lines = []
    dist = build_web(source, lines.append)
    assert (dist / "index.html").read_text().startswith("two")
    assert lines[0] == "web: building …"


def test_a_long_step_says_that_it_goes_on(source, monkeypatch):
    monkeypatch.setattr(web, "REPORT_EVERY_S", 0.05)
    lines = []
    build_web(source, lines.append)
    assert any(re.fullmatch(r"web: building, \d+ s so far …", line) for line in lines)


def test_a_step_that_never_ends_is_ended_and_named(source, monkeypatch):
    (source / "build.cjs").write_text("setInterval(() => {}, 1000)")
    monkeypatch.setattr(web, "REPORT_EVERY_S", 0.05)
    monkeypatch.setattr(web, "LIMIT_S", 0.5)
    with pytest.raises(Misconfigured, match=r"^npm (ci|run build) failed in"):
        build_web(source, lambda line: None)


def test_packages_that_cannot_be_downloaded_are_one_sentence(source, monkeypatch):
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9")
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    monkeypatch.setenv("npm_config_cache", str(source / "cache"))
    package = json.loads((source / "package.json").read_text()) | {"dependencies": {"left-pad": "1.3.0"}}
    (source / "package.json").write_text(json.dumps(package))
    locked = {"": package, "node_modules/left-pad": {"version": "1.3.0", "integrity": f"sha512-{'A' * 86}=="}}
    lock = {"name": "app", "version": "1.0.0", "lockfileVersion": 3, "packages": locked}
    (source / "package-lock.json").write_text(json.dumps(lock))
    with pytest.raises(Misconfigured, match=r"^npm ci failed in .*: check the network and its log .*web\.log\.$"):
        build_web(source, lambda line: None)
    assert "ECONNREFUSED" in (source.parent / "toolchain" / "web.log").read_text()


def test_a_failing_build_is_one_sentence_that_names_the_log(source):
    (source / "build.cjs").write_text("throw new Error('a type error')")
    with pytest.raises(Misconfigured, match=r"^npm run build failed in .*: read its log .*web\.log\.$"):
        build_web(source, lambda line: None)
    assert "a type error" in (source.parent / "toolchain" / "web.log").read_text()


def test_a_folder_without_lock_file_is_refused(tmp_path):
    with pytest.raises(Misconfigured, match="is not a web application"):
        build_web(tmp_path)
