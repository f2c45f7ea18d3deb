"""Item 9A, Parts III and IV, and the signatures."""

from ingest.samples.blocks import Block, Grid, Heading, Paragraph
from ingest.samples.filing import Filing


def closing_parts(filing: Filing) -> list[Block]:
    company = filing.company
    blocks: list[Block] = [
        Heading("ITEM 9A. CONTROLS AND PROCEDURES", 2, "Item 9A. Controls and Procedures"),
        *filing.paragraphs(_CONTROLS),
        Heading("PART III", 1, "PART III"),
    ]
    for item, title in _PART_THREE:
        blocks.append(Heading(f"{item.upper()} {title.upper()}", 2, f"{item} {title}"))
        blocks.append(Paragraph(_REFERENCE))
    blocks += [
        Heading("PART IV", 1, "PART IV"),
        Heading(
            "ITEM 15. EXHIBITS AND FINANCIAL STATEMENT SCHEDULES",
            2,
            "Item 15. Exhibits and Financial Statement Schedules",
        ),
        Paragraph(
            "The financial statements are listed in Item 8. Schedules are left out because they do "
            "not apply or because the information is given in the notes."
        ),
        Grid(
            ("Exhibit", "Description"),
            (
                ("3.1", f"Restated articles of incorporation of {company.name}"),
                ("3.2", "Amended and restated bylaws"),
                *_debt_exhibits(filing),
                ("10.1*", f"{company.short} equity incentive plan"),
                ("10.2*", "Form of restricted stock unit agreement"),
                ("21", f"Subsidiaries of {company.name}"),
                ("23", f"Consent of {company.auditor}"),
                ("31.1", "Certification of the chief executive officer, Rule 13a-14(a)"),
                ("31.2", "Certification of the chief financial officer, Rule 13a-14(a)"),
                ("32", "Certifications under 18 U.S.C. Section 1350"),
            ),
            (0.14, 0.86),
        ),
        Paragraph("* Management contract or compensatory plan.", "small"),
        Heading("SIGNATURES", 1),
        Paragraph(
            "Pursuant to the requirements of Section 13 or 15(d) of the Securities Exchange Act of "
            "1934, the registrant has duly caused this report to be signed on its behalf by the "
            "undersigned, thereunto duly authorized."
        ),
        Paragraph(company.name.upper(), "bold"),
        *(
            Paragraph(f"/s/ {name}, {position}")
            for name, position, _ in company.officers
            if "Executive Officer" in position or "Financial Officer" in position
        ),
    ]
    return blocks


def _debt_exhibits(filing: Filing) -> list[tuple[str, str]]:
    held = [
        debt.name
        for debt, balance in zip(filing.company.debts, filing.now.balance.debts, strict=True)
        if balance
    ]
    return [
        (f"4.{number}", f"Instrument governing the {name[0].lower()}{name[1:]}")
        for number, name in enumerate(held, 1)
    ]


_PART_THREE = (
    ("Item 10.", "Directors, Executive Officers and Corporate Governance"),
    ("Item 11.", "Executive Compensation"),
    ("Item 12.", "Security Ownership of Certain Beneficial Owners and Management"),
    ("Item 14.", "Principal Accountant Fees and Services"),
)

_REFERENCE = """The information is incorporated by reference to our definitive proxy statement,
which will be filed within 120 days of the end of the fiscal year."""

_CONTROLS = """
Our chief executive officer and chief financial officer evaluated our disclosure controls and
procedures and concluded that they were effective at {period_end}.

Management is responsible for internal control over financial reporting. It assessed its
effectiveness at {period_end} by the criteria of the Committee of Sponsoring Organizations of the
Treadway Commission (2013 framework), and found it effective. No change in the fourth quarter of
{fy} has materially affected it, or is reasonably likely to.
"""
