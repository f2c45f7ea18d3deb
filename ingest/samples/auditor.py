"""The report of the independent auditor."""

from ingest.samples.blocks import Block, Heading, Paragraph
from ingest.samples.filing import Filing


def auditor_report(filing: Filing) -> list[Block]:
    company = filing.company
    title = f"consolidated statements of {company.wording.statement.lower()}"
    city = company.city.rsplit(" ", 1)[0]
    paragraphs = filing.paragraphs(
        f"""
    To the Board of Directors and Shareholders of {company.name}:

    Opinions. We have audited the accompanying consolidated balance sheets of {company.name} and its
    subsidiaries as of {{period_end}} and {{period_end_prior}}, and the related {title}, of
    comprehensive income and of cash flows for each of the three fiscal years in the period ended
    {{period_end}}. In our opinion, the financial statements present fairly, in all material
    respects, the financial position, results and cash flows of the Company in conformity with
    accounting principles generally accepted in the United States of America. We have also audited
    the Company's internal control over financial reporting as of {{period_end}}, and in our opinion
    it was effective in all material respects.

    Basis for opinions. The financial statements and internal control over financial reporting are
    the responsibility of management. Ours is to express opinions on them based on our audits. We
    are registered with the Public Company Accounting Oversight Board, are required to be
    independent of the Company, and conducted our audits in accordance with its standards. We
    believe that our audits give a reasonable basis for our opinions.
    """
    )
    matter = filing.choose(*_MATTERS)
    return [
        Heading("Report of Independent Registered Public Accounting Firm", 3),
        *paragraphs,
        Paragraph(f"Critical audit matter. {matter}"),
        Paragraph(f"/s/ {company.auditor}", "italic"),
        Paragraph(f"{city}. We have served as the Company's auditor since {1990 + len(city)}."),
    ]


_MATTERS = (
    """We identified the yearly test of goodwill as a critical audit matter, because the estimates
    of future sales growth, margins and discount rates need much judgment. We compared them with
    past results, with plans approved by the Board of Directors and with outside data, and used our
    valuation specialists to develop a range of discount rates of our own.""",
    """We identified the valuation of slow-moving inventory as a critical audit matter, because
    management must judge future demand and selling prices. We tested the data used, compared past
    allowances with actual losses, and examined sales after the balance sheet date.""",
    """We identified the accruals for legal and environmental matters as a critical audit matter,
    since their amount depends on judgments about outcomes many years ahead. We obtained letters
    from counsel, read the correspondence with authorities, and tested the cost data.""",
)
