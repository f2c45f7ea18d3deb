"""Small filings made wrong in every way that files go wrong, by accident or on purpose.

The same seed gives the same mutants. Each kind takes a source of chance and a good file, and gives
the bytes of a bad one, which may still be readable.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from random import Random

import pikepdf
import reportlab
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from tests.unit.ingest_files import INCOME, PROSE, Sheet
from tests.unit.ingest_hostile_pdfs import HOSTILE_KINDS, page, stream

EOF = b"\n%%EOF\n"
EXTREMES = (
    b"-1", b"0", b"1", b"65536", b"2147483647", b"2147483648", b"4294967295", b"-2147483648",
    b"99999999999999999999", b"1e308", b"0.0000001", b"--5", b"NaN", b"null", b"true",
)  # fmt: skip


@cache
def bases() -> tuple[bytes, ...]:
    """Good filings of one to three pages: plain, packed, with a font of its own, in new form."""
    plain = _drawn(pages=2, packed=False)
    packed = _drawn(pages=3, packed=True)
    with pikepdf.open(io.BytesIO(packed)) as pdf:
        new = io.BytesIO()
        pdf.save(new, object_stream_mode=pikepdf.ObjectStreamMode.generate, deterministic_id=True)
    return plain, packed, _drawn(pages=1, packed=False, font="Vera"), new.getvalue()


def _drawn(
    pages: int,
    *,
    packed: bool,
    font: str = "",
    lines: tuple[str, ...] = PROSE,
    encrypt: StandardEncryption | None = None,
) -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, invariant=1, pageCompression=int(packed), encrypt=encrypt)
    for number in range(1, pages + 1):
        sheet = Sheet(canvas, number)
        sheet.line(f"Item {number}. Business", bold=True, size=12)
        for label, values in INCOME:
            sheet.row(label, values)
        if font:
            pdfmetrics.registerFont(
                TTFont(font, str(Path(reportlab.__file__).parent / "fonts" / f"{font}.ttf"))
            )
        for line in lines:
            canvas.setFont(font or "Helvetica", 10)
            canvas.drawString(54, sheet.y, line)
            sheet.y -= 13
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def mutants(seed: int, count: int) -> Iterator[tuple[str, bytes]]:
    """``count`` bad PDFs with the names of their kinds, which take turns."""
    chance = Random(seed)
    names = [*DAMAGE_KINDS, *HOSTILE_KINDS]
    for number in range(count):
        name = names[number % len(names)]
        if name in HOSTILE_KINDS:
            yield name, HOSTILE_KINDS[name](chance)
        else:
            yield name, DAMAGE_KINDS[name](chance, chance.choice(bases()))


def few_bytes(chance: Random, pdf: bytes) -> bytes:
    return _flipped(chance, pdf, chance.randint(1, 8))


def many_bytes(chance: Random, pdf: bytes) -> bytes:
    return _flipped(chance, pdf, len(pdf) // chance.choice([5, 20, 100]))


def _flipped(chance: Random, pdf: bytes, count: int) -> bytes:
    changed = bytearray(pdf)
    for _ in range(count):
        changed[chance.randrange(len(pdf))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def cut_off(chance: Random, pdf: bytes) -> bytes:
    return pdf[: chance.randrange(len(pdf))]


def cut_off_and_ended(chance: Random, pdf: bytes) -> bytes:
    return cut_off(chance, pdf) + EOF


def _block(chance: Random, pdf: bytes) -> tuple[int, int]:
    start = chance.randrange(len(pdf))
    return start, min(len(pdf), start + chance.choice([4, 64, 512, 2048]))


def blocks_swapped(chance: Random, pdf: bytes) -> bytes:
    (a, b), (c, d) = sorted([_block(chance, pdf), _block(chance, pdf)])
    c = max(b, c)
    d = max(c, d)
    return pdf[:a] + pdf[c:d] + pdf[b:c] + pdf[a:b] + pdf[d:]


def block_doubled(chance: Random, pdf: bytes) -> bytes:
    start, end = _block(chance, pdf)
    return pdf[:end] + pdf[start:end] * chance.choice([1, 3, 200]) + pdf[end:]


def block_zeroed(chance: Random, pdf: bytes) -> bytes:
    start, end = _block(chance, pdf)
    return pdf[:start] + bytes(end - start) + pdf[end:]


def _replaced(
    chance: Random, pdf: bytes, pattern: bytes, new: Callable[[re.Match[bytes]], bytes], most: int
) -> bytes:
    """``pdf`` with some of the places that match ``pattern`` made new."""
    found = list(re.finditer(pattern, pdf))
    places = chance.sample(found, min(len(found), chance.randint(1, most)))
    for match in sorted(places, key=lambda match: -match.start()):
        pdf = pdf[: match.start()] + new(match) + pdf[match.end() :]
    return pdf


def xref_damaged(chance: Random, pdf: bytes) -> bytes:
    start = max(pdf.rfind(b"xref\n", 0, pdf.rfind(b"startxref")), 0)
    table = _replaced(
        chance, pdf[start:], rb"\d+", lambda match: b"%d" % chance.randrange(10**10), 6
    )
    return pdf[:start] + table + EOF


def references_changed(chance: Random, pdf: bytes) -> bytes:
    return _replaced(
        chance, pdf, rb"\d+ \d+ (?=obj|R)",
        lambda match: b"%d %d " % (chance.randrange(24), chance.choice([0, 0, 0, 1, 65535])), 6,
    ) + EOF  # fmt: skip


def numbers_extreme(chance: Random, pdf: bytes) -> bytes:
    return _replaced(
        chance, pdf, rb"(?<![\d.])-?\d+(?:\.\d+)?", lambda match: chance.choice(EXTREMES), 12
    ) + EOF  # fmt: skip


def names_exchanged(chance: Random, pdf: bytes) -> bytes:
    names = re.findall(rb"/[A-Za-z]\w*", pdf)
    return _replaced(chance, pdf, rb"/[A-Za-z]\w*", lambda match: chance.choice(names), 5) + EOF


def lengths_lie(chance: Random, pdf: bytes) -> bytes:
    return _replaced(
        chance, pdf, rb"/Length \d+(?: 0 R)?",
        lambda match: b"/Length " + chance.choice([*EXTREMES, b"3 0 R", b"999 0 R", b"[[]]"]), 3,
    ) + EOF  # fmt: skip


def odd_texts(chance: Random, _: bytes) -> bytes:
    """Text that is drawn as it should be but for its characters or its places."""
    odd = (
        "\u202eselas teN\u202c", "Net\u200bsa\u00adles\ufeff", "a\u0301" * 200, "\U0001f600" * 9,
        "المبيعات", "\ufffe\uffff", "\x00\x01\x1b[31m", "x" * 5000, "1,234 " * 100, " " * 3000,
    )  # fmt: skip
    lines = tuple(chance.choice(odd) for _ in range(chance.randint(1, 30)))
    if chance.random() < 0.5:
        return _drawn(1, packed=False, font="Vera", lines=lines)
    raw = b"".join(
        b"1 0 0 1 %d %d Tm (%b) Tj\n" % (
            chance.choice([72, -9999, 10**8]), chance.choice([700, 700, -(10**6)]),
            re.sub(rb"[()\\]", b"", chance.randbytes(chance.choice([3, 80, 4000]))),
        ) for _ in range(chance.choice([5, 100]))
    )  # fmt: skip
    return page(stream(b"BT /F %d Tf %b ET" % (chance.choice([10, 10, 0, 30000]), raw)))


def locked(chance: Random, _: bytes) -> bytes:
    """Encrypted with and without a password to open it, whole and damaged."""
    lines = (f"Net sales rose by {chance.randrange(10**6)}.",)
    # Without a password the keys are derived in the same way, and the file can be read.
    key = StandardEncryption(
        chance.choice(["", "secret"]), "owner", strength=chance.choice([40, 128])
    )
    whole = _drawn(1, packed=False, lines=lines, encrypt=key)
    return whole if chance.random() < 0.5 else _replaced(
        chance, whole, rb"/(?:V|R|Length|P) -?\d+",
        lambda match: match[0].split()[0] + b" " + chance.choice(EXTREMES), 3,
    )  # fmt: skip


def wrong_heads(chance: Random, pdf: bytes) -> bytes:
    head = chance.choice([
        b"", b"%PDF-9.9\n", b"%PDF-", b"%!PS-Adobe-3.0\n", b"PK\x03\x04", b"\x89PNG\r\n\x1a\n",
        b"<html>", b"\xef\xbb\xbf", chance.randbytes(900), chance.randbytes(2000), b"\n" * 1000,
    ])  # fmt: skip
    return head + (pdf if chance.random() < 0.5 else pdf[9:])


DAMAGE_KINDS: dict[str, Callable[[Random, bytes], bytes]] = {
    kind.__name__: kind
    for kind in (
        few_bytes, many_bytes, cut_off, cut_off_and_ended, blocks_swapped, block_doubled,
        block_zeroed, xref_damaged, references_changed, numbers_extreme, names_exchanged,
        lengths_lie, odd_texts, locked, wrong_heads,
    )
}  # fmt: skip
