from __future__ import annotations

import pytest

from erp_integrations.xml import BadXML, parse, parse_mended

pytestmark = pytest.mark.once

BOMB = """<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;&x;"><!ENTITY z "&y;&y;&y;&y;">]>"""


@pytest.mark.parametrize(
    "document",
    [
        "<a>é€</a>",
        '<?xml version="1.0" encoding="utf-8"?><a>é€</a>',
        '<?xml version="1.0" encoding="utf-16"?><a>é€</a>',
        '<?xml version="1.0" encoding="iso-8859-1"?><a>é€</a>',
        '\ufeff<?xml version="1.0"?><a>é€</a>',
        '\r\n <?xml version="1.0"?>\n<a>é€</a>\n',
        "<a>&#233;&#x20AC;</a>",
        "<a><![CDATA[é]]>€</a>",
        "<a>é<!-- a comment --><?an instruction?>€</a>",
        '<?xml version="1.0" encoding="iso-8859-1"?><a>\u00e9&#8364;</a>'.encode("latin-1"),
        "\ufeff<a>é€</a>".encode(),
        '<?xml version="1.0" encoding="utf-16"?><a>é€</a>'.encode("utf-16"),
        "\n<a>é€</a>".encode(),
    ],
)
def test_it_reads_the_text_however_it_is_written(document: str | bytes) -> None:
    assert parse(document).text == "é€"


@pytest.mark.parametrize(
    "document",
    [
        "",
        " ",
        "no XML",
        "<a>",
        "<a></a><b/>",
        "<a>&#0;</a>",
        "<a>\x01</a>",
        "<a>\ud800</a>",
        "<a>&eacute;</a>",
        "<!DOCTYPE a><a/>",
        '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><a/>',
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        '<!DOCTYPE a [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]><a/>',
        f"{BOMB}<a>&z;</a>",
        f'{BOMB}<a b="&z;"/>',
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a><a/>'.encode("utf-16"),
        b"<a>\xe9</a>",
        b"\0",
        b"",
        "<a>" * 300 + "</a>" * 300,
        "<a>" + "<b/>" * 200_000 + "</a>",
        "<a>" + "".join(f"<b{number}/>" for number in range(200_000)) + "</a>",
        "<a " + " ".join(f'b{number}=""' for number in range(200_000)) + "/>",
        f"<a>{'<b/>' * 200_000}</a>".encode("utf-16"),
        *(b'<?xml version="1.0" encoding="%s"?><a/>' % name for name in (b"utf-16", b"x-none", b"\xe9", b"hz", b"")),
        b'<?xml version="1.0" encoding="utf-7"?>+ADw-a/+AD4-',
        b"\xef\xbb\xbf<?xml version='1.0' encoding = 'UTF-7'?>+ADw-a/+AD4-",
    ],
)
def test_it_refuses_what_is_broken_or_hostile(document: str | bytes) -> None:
    with pytest.raises(BadXML):
        parse(document)


def test_a_bomb_of_entities_is_refused_before_it_goes_off() -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    document = f'<!DOCTYPE a [<!ENTITY e0 "0123456789">{entities}]>'

    for body in ("<a>&e11;</a>", '<a b="&e11;"/>'):
        with pytest.raises(BadXML):
            parse(document + body)


def test_a_chart_of_ten_thousand_accounts_is_read() -> None:
    fields = "".join(f"<Field{number}>value</Field{number}>" for number in range(6))

    assert len(parse(f"<a>{f'<AccountRet>{fields}</AccountRet>' * 10_000}</a>")) == 10_000


@pytest.mark.parametrize(
    "forbidden", ["&#11;", "&#x1A;", "&#x1a;", "&#0;", "&#xD800;", "&#xFFFF;", "&#x110000;", "\x0b", "\0"]
)
def test_what_xml_forbids_is_read_as_replaced_where_that_is_asked_for(forbidden: str) -> None:
    for document in (f"<a>é{forbidden}€</a>", f'<?xml version="1.0"?><a>é{forbidden}€</a>'):
        with pytest.raises(BadXML):
            parse(document)
        assert parse_mended(document).text == "é\ufffd€"
        assert parse_mended(document.encode()).text == "é\ufffd€"


@pytest.mark.parametrize("document", ["<a>\ud800</a>", "<a b='&#1;'>&#xE9;&#10;&amp;#11;</a>"])
def test_the_rest_stays_as_it_is(document: str) -> None:
    root = parse_mended(document)

    assert root.text in ("\ufffd", "é\n&#11;")
    assert root.get("b") in (None, "\ufffd")


@pytest.mark.parametrize(
    "document", ["<a>&#11;", "&#11;", f"{BOMB}<a>&z;&#11;</a>", b"<a>\xe9\x0b</a>", b"\xff\xfe<\0"]
)
def test_mending_does_not_let_in_what_is_refused(document: str | bytes) -> None:
    with pytest.raises(BadXML):
        parse_mended(document)
