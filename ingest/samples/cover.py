"""The cover page and the table of contents."""

from ingest.samples.blocks import (
    Block,
    Contents,
    Gap,
    Grid,
    PageBreak,
    Paragraph,
    Rule,
)
from ingest.samples.filing import Filing


def cover(filing: Filing) -> list[Block]:
    """The cover page that Form 10-K prescribes."""
    company = filing.company
    shares = filing.now.income.basic_shares / company.unit.per_million
    value = shares * company.plan.share_price[filing.year - 2020] * 0.94
    return [
        Paragraph("UNITED STATES", "center_bold"),
        Paragraph("SECURITIES AND EXCHANGE COMMISSION", "center_bold"),
        Paragraph("Washington, D.C. 20549", "center"),
        Rule(0.3),
        Paragraph("FORM 10-K", "title"),
        Gap(6),
        Paragraph("(Mark One)", "small"),
        Paragraph(
            "[X] ANNUAL REPORT PURSUANT TO SECTION 13 OR 15(d) OF THE SECURITIES EXCHANGE ACT OF "
            "1934",
            "bold",
        ),
        Paragraph(f"For the fiscal year ended {filing.year_end}", "center_bold"),
        Paragraph("or", "center"),
        Paragraph(
            "[ ] TRANSITION REPORT PURSUANT TO SECTION 13 OR 15(d) OF THE SECURITIES EXCHANGE ACT "
            "OF 1934",
            "bold",
        ),
        Paragraph("For the transition period from ____________ to ____________", "center"),
        Paragraph(f"Commission file number: {company.commission_file}", "center_bold"),
        Gap(8),
        Paragraph(company.name.upper(), "title"),
        Paragraph("(Exact name of registrant as specified in its charter)", "center"),
        Gap(4),
        Grid(
            (company.state, company.irs_number),
            (
                (
                    "(State or other jurisdiction of incorporation or organization)",
                    "(I.R.S. Employer Identification No.)",
                ),
                (f"{company.street}, {company.city}", company.phone),
                (
                    "(Address of principal executive offices, including zip code)",
                    "(Registrant's telephone number, including area code)",
                ),
            ),
            (0.58, 0.42),
        ),
        Paragraph("Securities registered pursuant to Section 12(b) of the Act:", "small"),
        Grid(
            (
                "Title of each class",
                "Trading Symbol(s)",
                "Name of each exchange on which registered",
            ),
            (("Common Stock, par value $0.01 per share", company.ticker, company.exchange),),
            (0.42, 0.2, 0.38),
        ),
        Paragraph("Securities registered pursuant to Section 12(g) of the Act: None", "small"),
        *(Paragraph(question, "small") for question in _QUESTIONS),
        Paragraph(
            f"The aggregate market value of the voting common equity held by non-affiliates, at "
            f"the closing price on the last business day of the registrant's second fiscal "
            f"quarter, was approximately ${value:,.0f} million. There were {shares:,.1f} million "
            f"shares of common stock outstanding at {filing.year_end}.",
            "small",
        ),
        Paragraph(
            "DOCUMENTS INCORPORATED BY REFERENCE: Portions of the definitive proxy statement for "
            "the next annual meeting of shareholders are incorporated by reference into Part III.",
            "small",
        ),
        PageBreak(),
    ]


def contents(filing: Filing) -> list[Block]:
    """The table of contents, and the note on forward-looking statements below it."""
    return [
        Paragraph(filing.company.name, "center_bold"),
        Paragraph("ANNUAL REPORT ON FORM 10-K", "center_bold"),
        Paragraph(f"For the fiscal year ended {filing.year_end}", "center"),
        Gap(8),
        Paragraph("TABLE OF CONTENTS", "center_bold"),
        Contents(),
        Gap(18),
        Paragraph("Forward-Looking Statements", "bold"),
        *filing.paragraphs(_FORWARD),
        PageBreak(),
    ]


_QUESTIONS = (
    "Indicate by check mark if the registrant is a well-known seasoned issuer, as defined in Rule "
    "405 of the Securities Act. Yes [X] No [ ]",
    "Indicate by check mark whether the registrant (1) has filed all reports required to be filed "
    "by Section 13 or 15(d) of the Securities Exchange Act of 1934 during the preceding 12 months, "
    "and (2) has been subject to such filing requirements for the past 90 days. Yes [X] No [ ]",
    "Large accelerated filer [X]   Accelerated filer [ ]   Non-accelerated filer [ ]   Smaller "
    "reporting company [ ]   Emerging growth company [ ]",
    "Indicate by check mark whether the registrant is a shell company. Yes [ ] No [X]",
)

_FORWARD = """
Statements in this report about plans, expectations and future results are forward-looking. They
rest on what management knew and assumed on the date of this report, and actual results may differ
from them for the reasons given in Item 1A and elsewhere. {short} does not undertake to revise them.

In this report, "we," "our," "{short}" and "the Company" mean {name} and its consolidated
subsidiaries, unless the context says otherwise.
"""
