"""The ratios and measures that analysts ask for, with their textbook definitions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

from rag_service.answering.terms import stems

Form = Literal["percent", "multiple", "either", "days", "amount", "points"]
"""How a result is read: ``either`` is a percentage unless decimals are asked for, ``points`` the
difference of two percentages."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A measure. Each of ``ways`` defines it; a later one serves where an item is not found.

    ``average X`` is the mean of the balances that open and close the year. ``source`` says in
    words whose definition it is.
    """

    names: tuple[str, ...]
    ways: tuple[str, ...]
    form: Form
    source: str


def formula_in(words: frozenset[str]) -> tuple[Formula | None, frozenset[str]]:
    """The formula whose name covers most of ``words``, and the words of that name."""
    best: tuple[Formula | None, frozenset[str]] = (None, frozenset())
    for name, formula in _by_name():
        if name <= words and len(name) > len(best[1]):
            best = formula, name
    return best


@cache
def _by_name() -> tuple[tuple[frozenset[str], Formula], ...]:
    return tuple((frozenset(stems(name)), f) for f in FORMULAS for name in f.names)


_INCOME = "margin analysis: a line of the income statement over revenue"
_LIQUIDITY = "liquidity analysis of the balance sheet"
_TURNOVER = "activity analysis: a flow of the year over the average balance"
_RETURN = "profitability analysis: net income over the average balance"
_SOLVENCY = "solvency analysis of the balance sheet"
_CASH = "cash flow analysis"
_PAYOUT = "shareholder analysis: dividends over net income"

FORMULAS = (
    Formula(
        ("gross margin", "gross profit margin", "gross margin percentage"),
        ("gross profit / revenue",),
        "percent", _INCOME,
    ),
    Formula(
        ("gross profit", "gross income"),
        ("gross profit", "revenue - cost of goods sold"),
        "amount", "income statement: revenue less cost of goods sold",
    ),
    Formula(
        ("operating margin", "operating profit margin", "operating income margin", "EBIT margin"),
        ("operating income / revenue",),
        "percent", _INCOME,
    ),
    Formula(
        ("net margin", "net profit margin", "net income margin", "profit margin"),
        ("net income / revenue",),
        "percent", _INCOME,
    ),
    Formula(("pretax margin", "pre-tax margin"), ("income before income taxes / revenue",),
            "percent", _INCOME),
    Formula(
        ("COGS margin", "cost of goods sold margin", "cost of sales share of revenue"),
        ("cost of goods sold / revenue",),
        "percent", _INCOME,
    ),
    Formula(
        ("SG&A burden", "SG&A margin"),
        ("selling, general and administrative expenses / revenue",),
        "percent", _INCOME,
    ),
    Formula(
        ("R&D intensity", "research intensity", "research and development intensity"),
        ("research and development / revenue",),
        "percent", _INCOME,
    ),
    Formula(
        ("effective tax rate", "effective income tax rate", "effective rate of income tax"),
        ("income tax expense / income before income taxes",),
        "percent", "income tax expense over income before income taxes",
    ),
    Formula(
        ("depreciation and amortization", "depreciation and amortization expense"),
        ("depreciation and amortization", "depreciation + amortization of intangible assets"),
        "amount", "the statement of cash flows adds both back to net income",
    ),
    Formula(
        ("EBITDA",),
        ("operating income + depreciation and amortization",),
        "amount", "operating income before depreciation and amortization, without adjustments",
    ),
    Formula(("EBITDA margin",), ("EBITDA / revenue",), "percent", _INCOME),
    Formula(
        ("interest coverage", "interest coverage ratio", "interest cover", "times interest earned"),
        ("operating income / interest expense",),
        "multiple", "solvency analysis: operating income over interest expense",
    ),
    Formula(
        ("current ratio", "working capital ratio"),
        ("total current assets / total current liabilities",),
        "multiple", _LIQUIDITY,
    ),
    Formula(
        ("quick ratio", "acid test ratio", "acid test"),
        ("(total current assets - inventories) / total current liabilities",),
        "multiple", _LIQUIDITY + ": current assets without inventories",
    ),
    Formula(
        ("cash ratio",),
        ("cash and cash equivalents / total current liabilities",),
        "multiple", _LIQUIDITY,
    ),
    Formula(
        ("working capital", "net working capital"),
        ("total current assets - total current liabilities",),
        "amount", _LIQUIDITY,
    ),
    Formula(
        ("working capital turnover", "working capital turnover ratio"),
        ("revenue / average working capital",),
        "multiple", _TURNOVER,
    ),
    Formula(
        ("operating cash flow ratio", "cash from operations ratio"),
        ("operating cash flow / total current liabilities",),
        "multiple", _CASH,
    ),
    Formula(
        ("debt ratio", "liabilities-to-assets ratio"),
        ("total liabilities / total assets",),
        "either", _SOLVENCY + ": total liabilities over total assets",
    ),
    Formula(
        ("long-term debt to equity", "long-term debt-to-equity ratio", "LT debt-to-equity"),
        ("long-term debt / shareholders' equity",),
        "multiple", _SOLVENCY,
    ),
    Formula(
        ("equity ratio", "equity-to-assets ratio"),
        ("shareholders' equity / total assets",),
        "either", _SOLVENCY,
    ),
    Formula(
        ("equity multiplier", "financial leverage ratio"),
        ("total assets / shareholders' equity",),
        "multiple", _SOLVENCY,
    ),
    Formula(("return on assets", "ROA"), ("net income / average total assets",), "either", _RETURN),
    Formula(
        ("return on equity", "ROE"),
        ("net income / average shareholders' equity",),
        "either", _RETURN,
    ),
    Formula(
        ("asset turnover", "total asset turnover", "asset turnover ratio",
         "total asset turnover ratio"),
        ("revenue / average total assets",),
        "multiple", _TURNOVER,
    ),
    Formula(
        ("fixed asset turnover", "fixed asset turnover ratio", "PP&E turnover"),
        ("revenue / average net property, plant and equipment",),
        "multiple", _TURNOVER,
    ),
    Formula(
        ("inventory turnover", "inventory turnover ratio", "inventory turns"),
        ("cost of goods sold / average inventories",),
        "multiple", _TURNOVER,
    ),
    Formula(
        ("receivables turnover", "accounts receivable turnover", "AR turnover",
         "receivables turnover ratio"),
        ("revenue / average accounts receivable",),
        "multiple", _TURNOVER,
    ),
    Formula(
        ("payables turnover", "accounts payable turnover", "AP turnover",
         "payables turnover ratio"),
        ("cost of goods sold / average accounts payable",),
        "multiple", _TURNOVER,
    ),
    Formula(
        ("days inventory outstanding", "days of inventory outstanding", "DIO",
         "days sales of inventory", "days of inventory", "inventory days", "days inventory held"),
        ("365 * average inventories / cost of goods sold",),
        "days", _TURNOVER + ", in days",
    ),
    Formula(
        ("days sales outstanding", "DSO", "days of sales outstanding", "collection period",
         "days of receivables", "receivable days"),
        ("365 * average accounts receivable / revenue",),
        "days", _TURNOVER + ", in days",
    ),
    Formula(
        ("days payable outstanding", "DPO", "days of payables outstanding", "payable days",
         "days of payables"),
        ("365 * average accounts payable / cost of goods sold",),
        "days", _TURNOVER + ", in days",
    ),
    Formula(
        ("cash conversion cycle", "CCC"),
        ("days inventory outstanding + days sales outstanding - days payable outstanding",),
        "days", "days of inventory and of sales outstanding less days payable outstanding",
    ),
    Formula(
        ("free cash flow", "FCF"),
        ("operating cash flow - capital expenditures",),
        "amount", _CASH + ": operating cash flow less capital expenditures",
    ),
    Formula(
        ("free cash flow margin", "FCF margin"),
        ("free cash flow / revenue",),
        "percent", _CASH,
    ),
    Formula(
        ("free cash flow conversion", "FCF conversion"),
        ("free cash flow / net income",),
        "either", _CASH,
    ),
    Formula(
        ("capital intensity", "capex intensity"),
        ("capital expenditures / revenue",),
        "percent", _CASH,
    ),
    Formula(
        ("capex to depreciation", "capex-to-depreciation ratio"),
        ("capital expenditures / depreciation and amortization",),
        "multiple", _CASH,
    ),
    Formula(
        ("cash conversion", "cash conversion ratio", "CFO to net income"),
        ("operating cash flow / net income",),
        "multiple", _CASH,
    ),
    Formula(
        ("dividend payout ratio", "payout ratio", "dividend payout"),
        ("dividends paid / net income",),
        "either", _PAYOUT,
    ),
    Formula(
        ("retention ratio", "earnings retention ratio", "plowback ratio"),
        ("1 - dividends paid / net income",),
        "either", _PAYOUT,
    ),
)  # fmt: skip
