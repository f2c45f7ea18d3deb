"""HTML and text files made wrong; the same seed gives the same files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from tests.unit.ingest_files import PROSE
from tests.unit.ingest_mutants import (
    block_zeroed,
    blocks_swapped,
    cut_off,
    few_bytes,
    many_bytes,
)

MB = 1024 * 1024
HTML = """<html><head><title>10-K</title></head><body><h1>Item 1. Business</h1>
<p>We design and make measuring instruments for laboratories and for process plants.</p>
<table><tr><td></td><td>2023</td><td>2022</td></tr><tr><td>Net sales</td><td>4,210</td>
<td>3,985</td></tr><tr><td>Cost of sales</td><td>2,105</td><td>1,990</td></tr></table>
<h2>Overview</h2><p>Demand follows the budgets of research institutes, set once a year.</p>
</body></html>"""
TEXT = "Item 1. Business\n\n" + "\n\n".join(PROSE) + "\n"


def text_mutants(seed: int, count: int) -> Iterator[tuple[str, bytes]]:
    """``count`` bad HTML and text files, with names such as ``nested.html``."""
    chance = Random(seed)
    names = list(TEXT_KINDS)
    for number in range(count):
        name = names[number % len(names)]
        yield name, TEXT_KINDS[name](chance)


def nested_tags(chance: Random) -> bytes:
    tag = chance.choice(["div", "b", "table><tr><td", "ul><li", "span", "blockquote", "h2"])
    depth = chance.choice([200, 5_000, 50_000])
    closed = f"</{tag.split('>')[0]}>" * chance.choice([0, depth])
    return HTML.replace("<p>", f"<{tag}>" * depth + "<p>", 1).encode() + closed.encode()


def one_line(chance: Random) -> bytes:
    """A line of up to ten megabytes, with tags or spaces or without."""
    piece = chance.choice(
        ["sales ", "sales", "<p>Net sales rose.</p>", "<td>1</td>", "売", "&amp;"]
    )
    return HTML.replace("We design", piece * (_size(chance) // len(piece.encode()))).encode()


def _size(chance: Random) -> int:
    return chance.choice([10 * MB, 1000, 5000, 10_000, 50_000, 200_000])


def tables_without_end(chance: Random) -> bytes:
    span = chance.choice(["99999999", "-1", "abc", "1e9", "0", "200"])
    row = f"<tr><td colspan={span} rowspan={span}>Sales</td>" + "<td>1</td>" * 12 + "</tr>"
    return HTML.replace("<tr>", row * chance.choice([1, 50]), 1).encode()


def odd_entities(chance: Random) -> bytes:
    entity = chance.choice(["&#0;", "&#xD800;", "&#99999999999;", "&nbsp;", "&#8238;", "&#x200b;"])
    laughs = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))
    head = chance.choice(["", f'<!DOCTYPE html [<!ENTITY a0 "ha">{laughs}]><p>&a9;</p>'])
    return (head + HTML.replace("We", entity * chance.choice([1, 1000]))).encode()


def odd_tags(chance: Random) -> bytes:
    tag = chance.choice([
        "<!--", "<script>", "<![CDATA[", "<p " + "a=1 " * 50_000 + ">", "<" * 5_000, "<style>",
        "<h1>" + "Sales and costs " * 20_000 + "</h1>", "<textarea>", "<pre>\n\n\n", "<svg><math>",
        "<title>", "<base href=x><iframe src=file:///etc/hosts>", "<p>" + " " * 500_000,
    ])  # fmt: skip
    return HTML.replace("<p>", tag + "<p>", 1).encode()


def html_bytes(chance: Random) -> bytes:
    damage = chance.choice([few_bytes, many_bytes, cut_off, blocks_swapped, block_zeroed])
    return damage(chance, HTML.encode())


def encodings(chance: Random) -> bytes:
    text = HTML.replace("instruments", "Größe 売上高 — café")
    name = chance.choice(["utf-16", "utf-16-be", "utf-32", "utf-7", "cp1252", "shift_jis", "utf-8"])
    meta = chance.choice(["", "<meta charset=utf-16>", "<meta charset=nonsense>"])
    return (meta + text).encode(name, "replace") + chance.choice([b"", b"\xff\xfe\x80"])


def odd_lines(chance: Random) -> bytes:
    """Text of characters that say little."""
    piece = chance.choice([
        "\x01\x02\x1b[31m ", "\u202eselas ", "a\u0301", "\u200b", "....... ", "=", "\x0c\n",
        "1,234 ",
    ])  # fmt: skip
    return (TEXT + piece * chance.choice([10, 300, 3000]) + "\x00 The end.").encode()


def one_text_line(chance: Random) -> bytes:
    piece = chance.choice(["Net sales rose. ", "sales", "売", "a,", "SALES ", "\t"])
    return (TEXT + piece * (_size(chance) // len(piece.encode()))).encode()


def text_bytes(chance: Random) -> bytes:
    damage = chance.choice([few_bytes, many_bytes, cut_off, blocks_swapped, block_zeroed])
    return damage(chance, TEXT.encode(chance.choice(["utf-8", "utf-16", "cp1252"]), "replace"))


TEXT_KINDS: dict[str, Callable[[Random], bytes]] = {
    "nested_tags.html": nested_tags,
    "one_line.html": one_line,
    "tables_without_end.html": tables_without_end,
    "odd_entities.htm": odd_entities,
    "odd_tags.html": odd_tags,
    "html_bytes.html": html_bytes,
    "encodings.html": encodings,
    "odd_lines.txt": odd_lines,
    "one_text_line.txt": one_text_line,
    "text_bytes.txt": text_bytes,
}
