"""Tokenizers and hostile files for the tests of inspection."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from reportlab.pdfgen.canvas import Canvas
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import PreTokenizer, Split, Whitespace

from rag_service.core.types import ModelCard

SCRIPT = "<script>alert(1)</script>"
WORDS: PreTokenizer = Whitespace()
LETTERS: PreTokenizer = Split("", "isolated")


def word_tokenizer(folder: Path, *, pieces: PreTokenizer = WORDS, cut: int | None = None) -> Path:
    """A model's folder with nothing but a tokenizer; ``cut`` is set as models are saved with it."""
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pieces
    if cut is not None:
        tokenizer.enable_truncation(cut)
        tokenizer.enable_padding(length=cut)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def register(home: Path, digit: str, name: str, pieces: PreTokenizer = WORDS) -> None:
    """Put a model without weights into a home's registry."""
    fingerprint = f"m{digit * 16}"
    folder = word_tokenizer(home / "models" / fingerprint, pieces=pieces, cut=8)
    card = asdict(ModelCard(fingerprint, name, "", 4, 256, "", "", "2024-01-01T00:00:00Z"))
    del card["path"]
    (folder / "ragloop.json").write_text(json.dumps(card))


def hostile_pdf(path: Path) -> Path:
    """A filing whose heading, text, title, unit, column names and cells are markup."""
    canvas = Canvas(str(path), pagesize=(612, 792), invariant=1)
    canvas.setFont("Helvetica-Bold", 12)
    canvas.drawString(54, 740, f"Item 1. {SCRIPT}")
    canvas.setFont("Helvetica", 10)
    canvas.drawString(54, 700, f"We sell {SCRIPT} and <b>more</b> & more to everyone who asks.")
    canvas.setFont("Helvetica-Bold", 10)
    canvas.drawString(54, 670, f"Sales {SCRIPT}")
    canvas.setFont("Helvetica", 10)
    _cells(canvas, 650, "", ("<i>2023", "<i>2022"))
    for number, label in enumerate((SCRIPT, "<img src=x onerror=y>", "Total")):
        _cells(canvas, 635 - 13 * number, label, (f"{number}1", f"{number}2"))
    canvas.showPage()
    canvas.save()
    return path


def _cells(canvas: Canvas, y: float, label: str, values: Sequence[str]) -> None:
    canvas.drawString(54, y, label)
    for value, right in zip(values, (460, 540), strict=True):
        canvas.drawRightString(right, y, value)


def hostile_html(path: Path) -> Path:
    path.write_text(
        "<html><body><h1>Item 1. Business &lt;script&gt;alert(1)&lt;/script&gt;</h1>"
        "<p>We sell &lt;script&gt;alert(1)&lt;/script&gt; to everyone who asks for it.</p>"
        "<p>The escape \x1b[31mred and the bell \x07 are in the text of this paragraph.</p>"
        "<table><tr><td>In millions</td><td>2023</td><td>2022</td></tr>"
        "<tr><td>&lt;script&gt;alert(1)&lt;/script&gt;</td><td>1</td><td>2</td></tr>"
        "<tr><td>Total</td><td>3</td><td>4</td></tr></table></body></html>"
    )
    return path
