from dataclasses import replace

import pytest
from trunkline_core.errors import Invalid
from trunkline_core.webhooks import NoticeTargetDefinition, check_notice_target

TARGET = NoticeTargetDefinition("nt_shop", "https://shop.example:8443/hooks?for=tickets", ("now", "next"), False)


@pytest.mark.parametrize(
    "target", [TARGET, replace(TARGET, url="http://127.0.0.1/"), replace(TARGET, url="https://[::1]/")]
)
def test_a_notice_target_has_a_url_and_one_or_two_secrets(target):
    check_notice_target(target)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"target_id": "shop"}, "notice_target.target_id: must begin with nt_"),
        ({"url": ""}, "notice_target.url: must be https://host/…"),
        ({"url": "ftp://shop.example/"}, "notice_target.url: must be https://host/…"),
        ({"url": "https:///path"}, "notice_target.url: must be https://host/…"),
        ({"url": "https://shop.example:port/"}, "notice_target.url: must be https://host/…"),
        ({"url": "https://[::1/"}, "notice_target.url: must be https://host/…"),
        ({"url": "https://me:word@shop.example/"}, "notice_target.url: must have no user name"),
        ({"url": "https://shop.example/#top"}, "notice_target.url: must have no user name, password or fragment"),
        ({"url": "https://shop.example/a b"}, "notice_target.url: must have at most 2048 ASCII"),
        ({"url": "https://店.example/"}, "notice_target.url: must have at most 2048 ASCII"),
        ({"url": "https://shop.example/\r\nHost: other"}, "notice_target.url: must have at most 2048 ASCII"),
        ({"url": "https://shop.example/" + "x" * 2048}, "notice_target.url: must have at most 2048 ASCII"),
        ({"secret_names": ()}, "notice_target.secret_names: must be 1 to 2 different names"),
        ({"secret_names": ("a", "b", "c")}, "notice_target.secret_names: must be 1 to 2 different names"),
        ({"secret_names": ("a", "a")}, "notice_target.secret_names: must be 1 to 2 different names"),
        ({"secret_names": ("a/b",)}, "notice_target.secret_names: must be letters, digits"),
    ],
)
def test_a_wrong_notice_target_is_refused_by_the_name_of_the_field(change, told):
    with pytest.raises(Invalid) as refused:
        check_notice_target(replace(TARGET, **change))
    assert str(refused.value).startswith(told)
