"""PDFs that are written to do harm to who reads them."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from random import Random

MB = 1024 * 1024
CATALOGUE = b"<</Type/Catalog/Pages 2 0 R>>"
FONTS = b"/Resources<</Font<</F 5 0 R>>/XObject<</X 6 0 R>>>>"
FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
SHOWN = b"BT /F 12 Tf 72 700 Td (Net sales rose by a tenth) Tj ET\n"


def document(*objects: bytes, root: bytes = b"1 0 R", prev: bytes = b"") -> bytes:
    """A PDF of objects 1, 2, ..., of which the first is the catalogue."""
    out, places = b"%PDF-1.7\n", []
    for number, item in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, item)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + b"xref\n0 %d\n0000000000 65535 f \n%btrailer\n<</Size %d/Root %b%b>>\n" % (
        len(objects) + 1, table, len(objects) + 1, root, prev,
    ) + b"startxref\n%d\n%%%%EOF\n" % len(out)  # fmt: skip


def stream(content: bytes, entries: bytes = b"") -> bytes:
    return b"<<%b/Length %d>>\nstream\n%b\nendstream" % (entries, len(content), content)


def packed(content: bytes) -> bytes:
    return stream(zlib.compress(content), b"/Filter/FlateDecode")


def page(content: bytes, *more: bytes, box: bytes = b"[0 0 612 792]") -> bytes:
    """A PDF of one page; ``more`` are its font, object 5, and what follows."""
    return document(
        CATALOGUE,
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox%b%b/Contents 4 0 R>>" % (box, FONTS),
        content,
        *(more or (FONT,)),
    )


def page_counts(chance: Random) -> bytes:
    some = b"%d" % chance.randint(2, 10**7)
    count = chance.choice([b"2000000000", b"-1", b"99999999999", b"0", some])
    kids = b"[%b]" % (b"3 0 R " * chance.choice([1, chance.randint(0, 300), 100_000]))
    return document(
        CATALOGUE,
        b"<</Type/Pages/Kids%b/Count %b>>" % (kids, count),
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]%b/Contents 4 0 R>>" % FONTS,
        stream(SHOWN),
        FONT,
    )


def page_tree_cycles(chance: Random) -> bytes:
    kids = chance.choice([b"2 0 R", b"2 0 R 2 0 R 3 0 R", b"3 0 R 6 0 R", b"1 0 R 3 0 R"])
    return document(
        CATALOGUE,
        b"<</Type/Pages/Kids[%b]/Count %d/Parent 6 0 R>>" % (kids, chance.randint(1, 99)),
        b"<</Type/Page/Parent 2 0 R%b/Contents[4 0 R 4 0 R]>>" % FONTS,
        stream(SHOWN),
        FONT,
        b"<</Type/Pages/Kids[2 0 R 6 0 R]/Count 9/Parent 2 0 R>>",
        root=chance.choice([b"1 0 R", b"2 0 R", b"9 0 R"]),
        prev=chance.choice([b"", b"/Prev 0", b"/Prev 9", b"/XRefStm 9", b"/Encrypt 1 0 R"]),
    )


def nested(chance: Random) -> bytes:
    depth = chance.choice([chance.randint(300, 600), chance.randint(1000, 9999), 100_000])
    opened, closed = chance.choice([(b"[", b"]"), (b"<</A ", b">>"), (b"(", b")"), (b"q ", b"Q ")])
    deep = opened * depth + closed * chance.choice([depth, 0, depth - 1])
    place = chance.randrange(5)
    if place == 0:
        return page(stream(SHOWN + deep + b" TJ\n" + SHOWN))
    if place == 1:
        return page(stream(SHOWN), FONT[:-2] + b"/Widths " + deep + b">>")
    if place == 2:
        return page(deep)
    if place == 3:
        return page(stream(SHOWN), box=deep)
    return document(CATALOGUE, b"<</Type/Pages/Count 1/Kids " + deep + b">>")


def forms_in_forms(chance: Random) -> bytes:
    """Forms that show themselves, or each the next one many times."""
    width, depth = chance.choice([(1, chance.randint(9, 300)), (1, 400), (10, 4), (3, 8), (2, 30)])
    entries = b"/Type/XObject/Subtype/Form/BBox[0 0 612 792]"
    cycle = chance.random() < 0.4
    forms = [
        stream(
            b"/X Do " * width + SHOWN,
            entries + b"/Resources<</Font<</F 5 0 R>>/XObject<</X %d 0 R>>>>"
            % (6 if cycle else min(7 + number, 5 + depth)),
        )
        for number in range(depth)
    ]  # fmt: skip
    return page(stream(SHOWN + b"/X Do "), FONT, *forms)


def bomb(chance: Random) -> bytes:
    """Little that unpacks to very much, where content, a font or objects should be."""
    zeros = _packed_zeros(chance.choice([1024, chance.randint(100, 1000)]))
    filters, content = chance.choice([
        (b"/FlateDecode", zeros),
        (b"[/FlateDecode/FlateDecode]", zlib.compress(zeros, 9)),
        (b"[/FlateDecode/ASCIIHexDecode]", zlib.compress(b"30" * 8 * MB)),
        (b"/RunLengthDecode", b"\x81 " * MB),
        (b"/FlateDecode", zlib.compress(SHOWN * chance.randint(1000, 20_000))),
        (b"/FlateDecode", zlib.compress(b"(" * 8 * MB)),
        (b"/LZWDecode", b"\x80\x0b\x60\x50\x22\x0c\x0c\x85\x01" * 100_000),
    ])  # fmt: skip
    entries = b"/Filter%b" % filters
    place = chance.randrange(4)
    if place == 0:
        return page(stream(content, entries))
    if place == 1:
        return page(stream(SHOWN), FONT[:-2] + b"/ToUnicode 6 0 R>>", stream(content, entries))
    if place == 2:
        image = b"/Type/XObject/Subtype/Image/Width 60000/Height 60000/ColorSpace/DeviceGray"
        return page(
            stream(SHOWN + b"/X Do"),
            FONT,
            stream(content, image + b"/BitsPerComponent 8" + entries),
        )
    objects = b"/Type/ObjStm/N %d/First %d" % (chance.choice([10**9, 10**6]), 10**6)
    return page(stream(SHOWN), stream(content, objects + entries))


def _packed_zeros(megabytes: int) -> bytes:
    """Zeros packed by flate, without making them all."""
    packer = zlib.compressobj(9)
    first = packer.compress(bytes(MB)) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(bytes(MB)) + packer.flush(zlib.Z_FULL_FLUSH)
    size = megabytes * MB
    check = (size % 65521) << 16 | 1
    return first + again * (megabytes - 1) + b"\x03\x00" + check.to_bytes(4, "big")


def page_boxes(chance: Random) -> bytes:
    box = chance.choice([
        b"[0 0 1000000000 1000000000]", b"[0 0 0 0]", b"[612 792 0 0]", b"[-1e9 -1e9 1e9 1e9]",
        b"[0 0 1e308 1e308]", b"[0 0]", b"null", b"[(a) (b) (c) (d)]", b"[0 0 NaN NaN]",
    ])  # fmt: skip
    turn = chance.choice([b"", b"/Rotate 45", b"/Rotate 2147483647", b"/UserUnit 1e9"])
    size = chance.choice([b"12", b"1e9", b"-12", b"0", b"0.00001"])
    return page(stream(SHOWN.replace(b"12", size)), box=box + turn)


def character_maps(chance: Random) -> bytes:
    lines = chance.choice([
        b"1 beginbfrange <00> <FF> <0000> endbfrange",
        b"1 beginbfrange <0000> <FFFFFFFF> <D800> endbfrange",
        b"1 beginbfrange <20> <7E> [" + b"<0041> " * 50_000 + b"] endbfrange",
        b"99999999 beginbfchar " + b"<41> <DC00D800> " * 500,
        b"1 beginbfchar <65> <" + b"0061" * 20_000 + b"> endbfchar",
        b"1 beginbfrange <20> <7E> <202E200B0000FFFE> endbfrange",
        b"/A usecmap " * 1000 + bytes(chance.randbytes(500)),
        b"1 begincodespacerange <00> <FFFFFFFFFFFFFFFF> endcodespacerange",
    ])  # fmt: skip
    font = chance.choice([
        FONT[:-2] + b"/ToUnicode 6 0 R>>",
        FONT[:-2] + b"/ToUnicode 6 0 R/Encoding<</Differences[0/a 255/b -1/c 99999999/d]>>>>",
        b"<</Type/Font/Subtype/Type0/BaseFont/A/Encoding/Identity-H/ToUnicode 6 0 R"
        b"/DescendantFonts[5 0 R]>>",
        b"<</Type/Font/Subtype/Type3/FontMatrix[0 0 0 0 0 0]/CharProcs<</a 4 0 R>>/ToUnicode 6 0 R"
        b"/Encoding<</Differences[78/a/a/a]>>/FirstChar 0/LastChar 99999999/Widths[1e9]>>",
    ])  # fmt: skip
    head = b"/CIDInit/ProcSet findresource begin 12 dict begin begincmap "
    return page(stream(SHOWN), font, packed(head + lines + b" endcmap"))


def many_operators(chance: Random) -> bytes:
    """A page of very many operators; a million of them where they are quick to read."""
    operator, count = chance.choice([
        (b"q Q ", 500_000), (b"1 0 0 1 0 0 cm ", 1_000_000), (b"0 0 9 9 re f ", 100_000),
        (b"(Net sales) Tj ", 20_000), (b"[(N)-9(s)]TJ T* ", 20_000), (b"/F 12 Tf ", 100_000),
        (b"BI /W 1 /H 1 ID x EI ", 20_000), (b"\x00 ( \\( < [ ", 200_000),
    ])  # fmt: skip
    count = chance.choice([count, chance.randint(count // 10, count)])
    return page(packed(SHOWN[:-3] + operator * count + b"ET"))


HOSTILE_KINDS: dict[str, Callable[[Random], bytes]] = {
    kind.__name__: kind
    for kind in (
        page_counts, page_tree_cycles, nested, forms_in_forms, bomb, page_boxes, character_maps,
        many_operators,
    )
}  # fmt: skip
