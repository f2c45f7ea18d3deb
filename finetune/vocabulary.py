"""What analysts call the lines of financial statements, and the ratios they form from them."""

import re
from dataclasses import dataclass
from typing import Literal

Statement = Literal["income", "balance", "cash flow", ""]

STATEMENT_NAMES: dict[Statement, tuple[str, ...]] = {
    "income": ("income statement", "P&L", "statement of operations", "profit and loss account"),
    "balance": ("balance sheet", "statement of financial position"),
    "cash flow": ("cash flow statement", "statement of cash flows"),
}


@dataclass(frozen=True, slots=True)
class Concept:
    """A line of a statement: ``pattern`` matches its row labels, ``names`` are what people say."""

    key: str
    statement: Statement
    pattern: re.Pattern[str]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ratio:
    """A figure of one year from two concepts: ``top / bottom``, ``top − bottom`` or their sum."""

    names: tuple[str, ...]
    top: str
    bottom: str
    form: Literal["percent", "multiple", "difference", "sum"]


def concept_of(label: str) -> Concept | None:
    """The concept that a row label stands for, if it is one that every analyst knows."""
    folded = re.sub(r"[^a-z&'%() -]+", " ", label.casefold().replace("’", "'"))
    folded = " ".join(folded.split())
    return next((concept for concept in CONCEPTS if concept.pattern.fullmatch(folded)), None)


def _concept(key: str, statement: Statement, pattern: str, *names: str) -> Concept:
    return Concept(key, statement, re.compile(pattern), names)


_PPE = r"property(?: plant)?(?: and| &) equipment"
_SPENT = r"(?:purchases?|additions?|acquisitions?|expenditures?|payments?)"

CONCEPTS = (
    _concept(
        "revenue", "income",
        r"(?:total )?(?:net )?(?:operating )?(?:revenues?|sales)(?: net)?",
        "revenue", "total revenue", "net sales", "sales", "top line", "net revenue",
    ),
    _concept(
        "cogs", "income",
        r"(?:total )?costs? of (?:goods sold|(?:net )?sales|(?:net )?revenues?|products sold)",
        "COGS", "cost of goods sold", "cost of sales", "cost of revenue",
    ),
    _concept("gross_profit", "income", r"gross (?:profit|margin)", "gross profit"),
    _concept(
        "sga", "income",
        r"(?:total )?(?:marketing )?selling(?: and)?(?: general)? and administrative"
        r"(?: expenses?)?",
        "SG&A", "SG&A expense", "overhead spending", "selling and administrative costs",
    ),
    _concept(
        "research", "income",
        r"research(?: and)? development(?: and (?:engineering|related))?(?: expenses?| costs?)?",
        "R&D", "R&D spending", "research spending", "R&D expense",
    ),
    _concept(
        "operating_income", "income",
        r"(?:total )?(?:(?:consolidated )?operating (?:income|profit|earnings)(?: \(loss\))?"
        r"|(?:income|earnings|profit)(?: \(loss\))? from operations)",
        "operating income", "operating profit", "EBIT", "income from operations",
    ),
    _concept(
        "interest", "income", r"interest expense(?: net)?", "interest expense", "interest cost",
    ),
    _concept(
        "pretax", "income",
        r"(?:income|earnings|profit)(?: \(loss\))?(?: from continuing operations)?"
        r" before (?:provision for )?(?:income )?tax(?:es)?",
        "pre-tax income", "profit before tax", "earnings before taxes", "PBT",
    ),
    _concept(
        "tax", "income",
        r"(?:provision for |total provision for )?income tax(?:es)?(?: expense| provision)?"
        r"|provision for income taxes",
        "income tax expense", "tax charge", "tax provision",
    ),
    _concept(
        "net_income", "income",
        r"(?:consolidated )?net (?:income|earnings|profit)(?: \(loss\))?"
        r"(?: attributable to .{2,40}| including noncontrolling interests?)?",
        "net income", "net earnings", "bottom line", "net profit", "profit after tax",
    ),
    _concept(
        "eps_diluted", "income",
        r"(?:diluted|assuming dilution)(?: net)?(?: earnings| income)? per (?:common )?share"
        r"(?: diluted)?|(?:net )?(?:earnings|income) per (?:common )?share (?:-? ?)?diluted"
        r"|diluted (?:net )?(?:earnings|income)(?: \(loss\))? per (?:common )?share.{0,30}",
        "diluted EPS", "diluted earnings per share", "fully diluted EPS",
    ),
    _concept(
        "shares_diluted", "income",
        r"(?:weighted[ -]average )?(?:common )?shares(?: outstanding)? diluted"
        r"|diluted weighted[ -]average (?:common )?shares(?: outstanding)?",
        "diluted share count", "diluted weighted average shares",
    ),
    _concept(
        "cash", "balance", r"cash and (?:cash )?equivalents", "cash and cash equivalents",
        "cash on hand", "cash balance", "cash position",
    ),
    _concept(
        "receivables", "balance",
        r"(?:trade |accounts )?(?:and notes )?receivables?(?: net.{0,40}| -+ net.{0,40})?",
        "accounts receivable", "AR", "trade receivables", "receivables from customers",
    ),
    _concept(
        "inventory", "balance", r"(?:total |merchandise )?inventor(?:y|ies)(?: net)?",
        "inventory", "inventories", "inventory on hand",
    ),
    _concept("current_assets", "balance", r"total current assets", "current assets",
             "total current assets", "short-term assets"),
    _concept(
        "ppe", "balance",
        rf"(?:total )?(?:net )?{_PPE}(?: -+)?(?: net)?(?: of accumulated depreciation.{{0,30}})?",
        "net PP&E", "PP&E", "net fixed assets", "property, plant and equipment", "fixed assets",
    ),
    _concept("goodwill", "balance", r"goodwill(?: net)?", "goodwill", "goodwill balance"),
    _concept(
        "intangibles", "balance",
        r"(?:other |identifiable |acquired )?(?:purchased )?intangible assets(?:,? net.{0,40})?",
        "intangible assets", "intangibles", "net intangibles",
    ),
    _concept("total_assets", "balance", r"total assets", "total assets", "asset base"),
    _concept(
        "payables", "balance", r"(?:trade |accounts )payables?", "accounts payable", "AP",
        "trade payables", "amounts owed to suppliers",
    ),
    _concept("current_liabilities", "balance", r"total current liabilities",
             "current liabilities", "total current liabilities", "short-term obligations"),
    _concept(
        "long_debt", "balance",
        r"long[ -]term (?:debt|borrowings)(?: (?:net|less|excluding).{0,40})?",
        "long-term debt", "LT debt", "long-term borrowings",
    ),
    _concept("total_liabilities", "balance", r"total liabilities", "total liabilities"),
    _concept("retained", "balance", r"(?:retained earnings|reinvested earnings)(?: \(.{3,30}\))?",
             "retained earnings", "accumulated profits"),
    _concept(
        "equity", "balance",
        r"total (?:share(?:holders|owners)?|stockholders)'?s?'? (?:equity|investment)"
        r"(?: \(deficit\))?|total equity",
        "shareholders' equity", "stockholders' equity", "book equity", "total equity",
    ),
    _concept(
        "operating_cash", "cash flow",
        r"(?!.*discontinued)(?:total )?(?:net )?cash [a-z() ]{0,40}?"
        r"(?:operations|operating activities)(?: continuing operations)?",
        "operating cash flow", "cash from operations", "CFO", "cash generated by operations",
    ),
    _concept(
        "investing_cash", "cash flow",
        r"(?!.*discontinued)(?:total )?(?:net )?cash [a-z() ]{0,50}?investing activities",
        "investing cash flow", "cash used in investing", "CFI",
    ),
    _concept(
        "financing_cash", "cash flow",
        r"(?!.*discontinued)(?:total )?(?:net )?cash [a-z() ]{0,50}?financing activities",
        "financing cash flow", "cash used in financing", "CFF",
    ),
    _concept(
        "capex", "cash flow",
        rf"{_SPENT} (?:of|to|for) (?:{_PPE}|fixed assets)(?: \(?pp&e\)?)?.{{0,30}}"
        r"|capital expenditures?|capital spending",
        "capex", "capital expenditures", "capital spending", "CapEx spend",
        "investment in fixed assets",
    ),
    _concept(
        "depreciation", "cash flow",
        r"(?:total )?depreciation(?: and|,|/)? ?(?:depletion and |and )?amortization"
        r"(?: expense| and other)?|depreciation(?: expense)?",
        "D&A", "depreciation and amortization", "depreciation charge",
    ),
    _concept(
        "stock_compensation", "cash flow",
        r"(?:stock|share|equity)[ -]based compensation(?: expense)?",
        "stock-based compensation", "SBC", "share-based pay", "equity compensation cost",
    ),
    _concept(
        "dividends", "cash flow",
        r"(?:cash )?dividends? paid(?: to .{3,30})?|payments? of (?:cash )?dividends?.{0,30}",
        "dividends paid", "cash dividends", "dividend payments", "cash returned as dividends",
    ),
    _concept(
        "buybacks", "cash flow",
        r"(?:re)?purchases? of (?:common |treasury |ordinary )?(?:stock|shares).{0,30}"
        r"|(?:common )?(?:stock|share) repurchases?",
        "share buybacks", "stock repurchases", "share repurchases", "cash spent on buybacks",
    ),
    _concept(
        "acquisitions", "cash flow",
        r"(?:acquisitions?|purchases?) of business(?:es)?.{0,40}|acquisitions?,? net of cash.{0,30}"
        r"|(?:business )?acquisitions?.{0,40}",
        "cash paid for acquisitions", "M&A spending", "acquisition spending",
    ),
)  # fmt: skip

RATIOS = (
    Ratio(("gross margin", "gross profit margin"), "gross_profit", "revenue", "percent"),
    Ratio(("operating margin", "EBIT margin"), "operating_income", "revenue", "percent"),
    Ratio(("net margin", "net profit margin"), "net_income", "revenue", "percent"),
    Ratio(("COGS margin", "cost of sales as a share of revenue"), "cogs", "revenue", "percent"),
    Ratio(("SG&A as a percent of sales", "SG&A burden"), "sga", "revenue", "percent"),
    Ratio(("R&D intensity", "R&D as a percent of sales"), "research", "revenue", "percent"),
    Ratio(("effective tax rate", "effective rate of income tax"), "tax", "pretax", "percent"),
    Ratio(("interest coverage", "interest cover"), "operating_income", "interest", "multiple"),
    Ratio(("current ratio",), "current_assets", "current_liabilities", "multiple"),
    Ratio(("cash ratio",), "cash", "current_liabilities", "multiple"),
    Ratio(
        ("working capital", "net working capital"),
        "current_assets", "current_liabilities", "difference",
    ),
    Ratio(("liabilities-to-assets ratio",), "total_liabilities", "total_assets", "percent"),
    Ratio(("long-term debt to equity", "LT debt-to-equity"), "long_debt", "equity", "multiple"),
    Ratio(("equity ratio", "equity as a share of assets"), "equity", "total_assets", "percent"),
    Ratio(("goodwill as a percentage of assets",), "goodwill", "total_assets", "percent"),
    Ratio(("return on assets", "ROA"), "net_income", "total_assets", "percent"),
    Ratio(("return on equity", "ROE"), "net_income", "equity", "percent"),
    Ratio(("asset turnover", "total asset turnover"), "revenue", "total_assets", "multiple"),
    Ratio(("fixed asset turnover", "PP&E turnover"), "revenue", "ppe", "multiple"),
    Ratio(("inventory turnover", "inventory turns"), "cogs", "inventory", "multiple"),
    Ratio(("receivables turnover", "AR turnover"), "revenue", "receivables", "multiple"),
    Ratio(("payables turnover", "AP turnover"), "cogs", "payables", "multiple"),
    Ratio(("free cash flow", "FCF"), "operating_cash", "capex", "difference"),
    Ratio(("capital intensity", "capex as a percent of revenue"), "capex", "revenue", "percent"),
    Ratio(("capex to depreciation",), "capex", "depreciation", "multiple"),
    Ratio(("cash conversion", "CFO to net income"), "operating_cash", "net_income", "multiple"),
    Ratio(("EBITDA",), "operating_income", "depreciation", "sum"),
    Ratio(("dividend payout ratio", "payout ratio"), "dividends", "net_income", "percent"),
)  # fmt: skip
