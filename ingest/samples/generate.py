"""Writes the sample filings: annual reports of invented companies, drawn as PDF."""

import os
from pathlib import Path

from ingest.samples.blocks import Block
from ingest.samples.closing import closing_parts
from ingest.samples.companies.roster import COMPANIES
from ingest.samples.cover import contents, cover
from ingest.samples.debt import debt_note
from ingest.samples.draw import draw_filing
from ingest.samples.faces import statements
from ingest.samples.filing import Filing, open_filing
from ingest.samples.mdna import part_two_front
from ingest.samples.notes_assets import asset_notes
from ingest.samples.notes_operations import operations_notes
from ingest.samples.notes_other import other_notes
from ingest.samples.part_one import part_one
from ingest.samples.profile import FILING_YEARS, Company
from ingest.samples.statements import build_books
from ingest.samples.taxes import tax_note


def write_sample_filings(folder: Path) -> list[Path]:
    """Writes all sample filings, named like `HALVERSEN_2023_10K.pdf`.

    The bytes are the same on every run and machine with the same version of reportlab. A file
    appears whole or not at all, and replaces one of the same name.

    Args:
        folder: Where to write; made if missing.

    Returns:
        The files, by company and year.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for company in COMPANIES:
        books = build_books(company)
        for year in FILING_YEARS:
            filing = open_filing(company, books, year)
            path = folder / f"{company.key}_{year}_10K.pdf"
            blocks, title = compose(filing), _title(company, year)
            _write_whole(path, draw_filing(blocks, company.look, company.name, title))
            paths.append(path)
    return paths


def compose(filing: Filing) -> list[Block]:
    """All parts of a filing in the order of Form 10-K."""
    return [
        *cover(filing),
        *contents(filing),
        *part_one(filing),
        *part_two_front(filing),
        *statements(filing),
        *operations_notes(filing),
        *asset_notes(filing),
        *debt_note(filing),
        *tax_note(filing),
        *other_notes(filing),
        *closing_parts(filing),
    ]


def _title(company: Company, year: int) -> str:
    return f"{company.name} - Form 10-K for the fiscal year ended {company.year_ends[year]}"


def _write_whole(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
