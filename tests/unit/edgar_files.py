"""Writes filings as EDGAR serves them: inline XBRL, older HTML, plain text submissions."""

from __future__ import annotations

from collections.abc import Sequence

BOLD = "color:#000000;font-family:'Times New Roman',sans-serif;font-size:10pt;font-weight:700"
PLAIN = "color:#000000;font-family:'Times New Roman',sans-serif;font-size:10pt;font-weight:400"
LABEL = 'colspan="3" style="background-color:#cceeff;padding:2px 1pt;text-align:left"'
HIDDEN = """<div style="display:none"><ix:header><ix:hidden>
<ix:nonNumeric contextRef="c-1" name="dei:EntityCentralIndexKey" id="f-1">0009999999</ix:nonNumeric>
<ix:nonNumeric contextRef="c-1" name="dei:AmendmentFlag" id="f-2">FALSE</ix:nonNumeric>
</ix:hidden><ix:references><link:schemaRef xlink:type="simple" xlink:href="hrwi.xsd"/>
</ix:references><ix:resources><xbrli:context id="c-1"><xbrli:entity>
<xbrli:identifier scheme="cik">0009999999</xbrli:identifier></xbrli:entity><xbrli:period>
<xbrli:startDate>2022-10-01</xbrli:startDate></xbrli:period></xbrli:context></ix:resources>
</ix:header></div>"""
PROSE = (
    "We design and make measuring instruments for laboratories and for process plants, and we "
    "sell them in forty countries through our own people and through dealers."
)
SPACERS = "".join('<td style="width:1.0%"></td>' for _ in range(15))


def p(text: str, style: str = PLAIN) -> str:
    return (
        f'<div style="margin-top:8pt;text-align:justify"><span style="{style}">{text}</span></div>'
    )


def bold(text: str, anchor: str = "") -> str:
    mark = f'<div id="{anchor}"></div>' if anchor else ""
    return f"{mark}{p(text, BOLD)}"


def centred(text: str, style: str = BOLD) -> str:
    return f'<div style="text-align:center"><span style="{style}">{text}</span></div>'


def page_break(number: str) -> str:
    """The end of a page with its number, and the link that the next one begins with."""
    return (
        '<div style="height:42.75pt;position:relative;width:100%"><div style="bottom:0;'
        f'position:absolute;width:100%"><div style="text-align:center"><span style="{PLAIN}">'
        f'{number}</span></div></div></div><hr style="page-break-after:always"/>'
        '<div style="min-height:42.75pt;width:100%"><div><span style="text-decoration:underline">'
        '<a href="#toc">Table of Contents</a></span></div></div>'
    )


def fact(value: str) -> str:
    return (
        f'<ix:nonFraction unitRef="usd" contextRef="c-1" decimals="-6" name="us-gaap:Revenues" '
        f'format="ixt:num-dot-decimal" scale="6" id="f">{value}</ix:nonFraction>'
    )


def value_cells(value: str) -> str:
    """A value over three grid columns: ``$``, figure and what closes it, then three of space."""
    span = f'<span style="{PLAIN}">'
    space = '<td colspan="3" style="padding:0 1pt"></td>'
    if value.startswith("$"):
        cells = (
            f'<td style="padding:2px">{span}$</span></td><td>{span}{fact(value[1:])}</span></td>'
            "<td></td>"
        )
    elif value.startswith("("):
        cells = f'<td colspan="2">{span}({fact(value[1:-1])}</span></td><td>{span})</span></td>'
    elif value.endswith("%"):
        cells = f'<td colspan="2">{span}{value[:-1]}</span></td><td>{span}%</span></td>'
    else:
        cells = f'<td colspan="2">{span}{fact(value) if value else ""}</span></td><td></td>'
    return cells + space


def row(label: str, values: Sequence[str]) -> str:
    space = '<td colspan="3"></td>'
    cells = "".join(map(value_cells, values))
    return f'<tr><td {LABEL}><span style="{PLAIN}">{label}</span></td>{space}{cells}</tr>'


def header(names: Sequence[str], label: str = "") -> str:
    cells = "".join(
        f'<td colspan="3" style="border-bottom:1pt solid #000;text-align:center"><span '
        f'style="{BOLD}">{name}</span></td><td colspan="3"></td>'
        for name in names
    )
    first = f'<td colspan="3"><span style="{BOLD}">{label}</span></td>'
    return f'<tr>{first}<td colspan="3"></td>{cells}</tr>'


def over(name: str, columns: int) -> str:
    return (
        f'<tr><td colspan="3"></td><td colspan="3"></td><td colspan="{6 * columns - 3}" '
        f'style="text-align:center"><span style="{BOLD}">{name}</span></td></tr>'
    )


def table(*rows: str) -> str:
    return f'<div><table style="border-collapse:collapse;width:100%">{"".join(rows)}</table></div>'


def bullet(text: str) -> str:
    return (
        '<table><tr><td style="width:24pt"></td><td style="vertical-align:top;width:18pt">'
        f'<span style="{PLAIN}">&#8226;</span></td><td><span style="{PLAIN}">{text}</span></td>'
        "</tr></table>"
    )


COVER = "".join((
    centred("UNITED STATES"), centred("SECURITIES AND EXCHANGE COMMISSION"),
    centred("Washington, D.C. 20549", PLAIN), centred("FORM <ix:nonNumeric>10-K</ix:nonNumeric>"),
    '<table><tr><td>&#9746;</td><td>ANNUAL REPORT PURSUANT TO SECTION 13 OR 15(d) OF THE SECURITIES'
    ' EXCHANGE ACT OF 1934</td></tr></table>',
    centred("For the fiscal year ended <ix:nonNumeric>September 30, 2023</ix:nonNumeric>"),
    centred("Commission file number: 001-99999", PLAIN),
    '<table><tr><td colspan="3" style="text-align:center"><span style="font-weight:700">'
    '<ix:nonNumeric>HARROW INSTRUMENTS CORPORATION</ix:nonNumeric></span></td></tr>'
    '<tr><td colspan="3">(Exact name of registrant as specified in its charter)</td></tr>'
    '<tr><td>Delaware</td><td></td><td>99-1234567</td></tr>'
    '<tr><td>(State of incorporation)</td><td></td><td>(I.R.S. Employer Identification No.)</td>'
    '</tr></table>',
    p("Securities registered pursuant to Section 12(b) of the Act:"),
    '<table><tr><td>Title of each class</td><td>Trading Symbol(s)</td><td>Name of each exchange on '
    'which registered</td></tr><tr><td>Common Stock, par value $0.01 per share</td><td>HRWI</td>'
    '<td>New York Stock Exchange</td></tr></table>',
))  # fmt: skip

CONTENTS = (
    '<div id="toc"></div>' + centred("TABLE OF CONTENTS") + "<table>"
    + '<tr><td></td><td></td><td>Page</td></tr>'
    + "".join(
        f'<tr><td><a href="#i{n}">Item {n}.</a></td><td><a href="#i{n}">{title}</a></td>'
        f'<td><a href="#i{n}">{page}</a></td></tr>'
        for n, title, page in (
            ("1", "Business", 1), ("1A", "Risk Factors", 2), ("2", "Properties", 2),
            ("7", "Management’s Discussion and Analysis", 3),
            ("8", "Financial Statements and Supplementary Data", 3),
            ("9A", "Controls and Procedures", 4),
        )
    )
    + "</table>"
)  # fmt: skip

INCOME = [
    ("Net sales", ("$4,210", "$3,985", "$3,600")),
    ("Cost of sales", ("(2,105)", "(1,990)", "(1,812)")),
    ("Gain (loss) on sale of businesses", ("(54)", "12", "—")),
    ("Gross margin", ("50.0%", "50.1%", "49.7%")),
    ("Net income", ("$1,290", "$1,180", "$1,020")),
]


def annual_report() -> str:
    """An inline XBRL 10-K of six pages: cover, contents, and four with printed numbers."""
    body = "".join((
        HIDDEN, COVER, page_break(""), CONTENTS, page_break("i"),
        bold("PART I"), bold("Item 1.&#160;&#160;&#160;&#160;Business", "i1"), bold("Overview"),
        p(PROSE), bullet("pressure gauges for plants that work with steam; and"),
        bullet("balances for laboratories."),
        p("Demand follows the budgets of research institutes,"), page_break("1"),
        p("which are set once a year."),
        '<table><tr><td><span style="font-weight:700">Item 1A.</span></td><td><span '
        'style="font-weight:700">Risk Factors</span></td></tr></table>',
        p("A fall in research budgets would lower our sales, as Item 7 of this report says."),
        bold("Item 2. Properties"), p("We own the plants in which we make our instruments."),
        page_break("2"), bold("PART II"),
        bold("Item 8. Financial Statements and Supplementary Data", "i8"),
        centred("CONSOLIDATED STATEMENTS OF INCOME"), centred("(in millions)", PLAIN),
        table(f"<tr>{SPACERS}</tr>", over("Years Ended September 30,", 3),
              header(("2023", "2022", "2021")), *(row(*line) for line in INCOME)),
        p("See accompanying notes to consolidated financial statements."), page_break("3"),
        bold("NOTES TO CONSOLIDATED FINANCIAL STATEMENTS"),
        bold("Note 1. Basis of Presentation"), p("The statements hold all subsidiaries."),
        bold("Note 2. Leases"), p("We lease offices. The terms end in 2031."),
        bold("Item 9A. Controls and Procedures"), p("The controls were effective."),
        bold("SIGNATURES"),
        '<table><tr><td>By:</td><td>/s/ Jane Harrow</td></tr><tr><td></td><td>Jane Harrow</td></tr>'
        '<tr><td>Date: November 3, 2023</td><td>Chief Executive Officer</td></tr></table>',
        p("4"),
    ))  # fmt: skip
    return (
        '<?xml version="1.0" encoding="UTF-8"?><html xmlns:ix="http:" xml:lang="en-US"><head>'
        f"<title>hrwi-20230930</title></head><body>{body}</body></html>"
    )


def quarterly_report() -> str:
    """An inline XBRL 10-Q: Items 1 and 2 stand in both Parts; a table with two header blocks."""
    body = "".join((
        HIDDEN, centred("FORM 10-Q"),
        centred("For the quarterly period ended June 30, 2024"),
        centred("TARN VALLEY PAPER COMPANY"),
        centred("(Exact name of registrant as specified in its charter)", PLAIN),
        page_break(""), centred("PART I. FINANCIAL INFORMATION"),
        bold("Item 1. Financial Statements (Unaudited)"),
        table(
            f'<tr><td colspan="21" style="text-align:center"><span style="{BOLD}">CONDENSED '
            'CONSOLIDATED STATEMENTS OF OPERATIONS</span></td></tr>'
            '<tr><td colspan="21">(in thousands)</td></tr>',
            '<tr><td colspan="3"></td><td colspan="3"></td><td colspan="9">'
            'Three Months Ended June 30,</td><td colspan="3"></td><td colspan="9">Six Months Ended '
            'June 30,</td></tr>',
            header(("2024", "2023", "2024", "2023")),
            row("Revenue", ("$9,310", "$8,870", "$18,204", "$17,733")),
            row("Operating loss", ("(120)", "(95)", "(310)", "(207)")),
        ),
        bold("Item 2. Management’s Discussion and Analysis of Financial Condition and Results of "
             "Operations"),
        p("Revenue rose with volume."), page_break("1"), centred("PART II. OTHER INFORMATION"),
        bold("Item 1. Legal Proceedings"), p("None that is material."),
        bold("Item 2. Unregistered Sales of Equity Securities"), p("We bought none back."),
        bold("Item 6. Exhibits"),
    ))  # fmt: skip
    return f"<html><body>{body}</body></html>"


def current_report() -> str:
    """A whole submission of an 8-K in HTML, with its press release, a picture and XBRL data."""
    main = "".join((
        HIDDEN, centred("FORM 8-K"), centred("CURRENT REPORT"),
        centred("Date of Report (Date of earliest event reported): March 5, 2024"),
        centred("HARROW INSTRUMENTS CORPORATION"),
        centred("(Exact name of registrant as specified in its charter)", PLAIN),
        bold("Item 2.02. Results of Operations and Financial Condition."),
        p("On March 5, 2024 the company published its results in a press release."),
        bold("Item 9.01. Financial Statements and Exhibits."),
        '<table><tr><td>99.1</td><td><a href="ex.htm">Press release of March 5, 2024</a></td></tr>'
        '</table>',
    ))  # fmt: skip
    release = "".join((
        p("Exhibit 99.1", BOLD), centred("Harrow Instruments Reports Second Quarter Results"),
        p(PROSE),
        table(header(("2024", "2023"), "(in millions)"), row("Net sales", ("$1,120", "$1,043"))),
    ))  # fmt: skip
    documents = (
        ("8-K", f"<XBRL><html><body>{main}</body></html></XBRL>"),
        ("EX-99.1", f"<html><body>{release}</body></html>"),
        ("GRAPHIC", "begin 644 logo.jpg\nM_]C_X  02D9)1@ ! 0$\n`\nend"),
        ("EX-101.SCH", "<XML><schema/></XML>"),
    )
    wrapped = "".join(
        f"<DOCUMENT>\n<TYPE>{kind}\n<SEQUENCE>{n}\n<TEXT>\n{text}\n</TEXT>\n</DOCUMENT>\n"
        for n, (kind, text) in enumerate(documents, 1)
    )
    return (
        "<SEC-DOCUMENT>0000999999-24-000005.txt : 20240305\n<SEC-HEADER>\nCONFORMED SUBMISSION "
        "TYPE:\t8-K\nCONFORMED PERIOD OF REPORT:\t20240305\n\t\tCOMPANY CONFORMED NAME:\t\t\t"
        f"HARROW INSTRUMENTS CORP\n</SEC-HEADER>\n{wrapped}</SEC-DOCUMENT>\n"
    )


OLD_HTML = """<DOCUMENT>
<TYPE>10-K
<FILENAME>d10k.htm
<TEXT>
<HTML><HEAD><TITLE>Form 10-K</TITLE></HEAD>
<BODY BGCOLOR="WHITE">
<P ALIGN="CENTER"><FONT STYLE="font-family:Times New Roman" SIZE="5"><B>FORM 10-K </B></FONT></P>
<P ALIGN="center"><FONT SIZE="2"><B>For the fiscal year ended December&nbsp;31, 2004 </B></FONT></P>
<P ALIGN="center"><FONT SIZE="6"><B>TARN VALLEY PAPER COMPANY </B></FONT></P>
<P ALIGN="center"><FONT SIZE="1">(Exact name of registrant as specified in its charter) </FONT></P>
<P ALIGN="center"><FONT SIZE="2">1 </FONT></P>
<HR SIZE="3" COLOR="#999999" WIDTH="100%" ALIGN="CENTER">
<H5 ALIGN="left"><A HREF="#toc">Table of Contents</A></H5>
<P><FONT SIZE="2"><B>Item&nbsp;7.</B></FONT></P>
<P><FONT SIZE="2"><B><U>Management&#146;s Discussion and Analysis</U></B></FONT></P>
<P><FONT SIZE="2"><B>Results of Operations </B></FONT></P>
<P><FONT SIZE="2">Our mills ran at 93%<SUP>2</SUP> of capacity&#151;as in the year before.<BR>
Prices rose.</FONT></P>
<TABLE CELLSPACING=0 WIDTH="100%">
<TR><TD>&nbsp;</TD><TD>&nbsp;</TD>
<TD COLSPAN=6 ALIGN=center><B>Year ended December&nbsp;31,</B></TD></TR>
<TR><TD><FONT SIZE="1"><B>(dollars in thousands)</B></FONT></TD><TD>&nbsp;</TD>
<TD COLSPAN=2><B>2004</B></TD><TD>&nbsp;</TD><TD COLSPAN=2><B>2003</B></TD><TD>&nbsp;</TD></TR>
<TR><TD>Tons sold<SUP>1</SUP></TD><TD>&nbsp;</TD><TD>&nbsp;</TD><TD ALIGN=right>412,300</TD>
<TD>&nbsp;</TD><TD>&nbsp;</TD><TD ALIGN=right>398,750<SUP>2</SUP></TD><TD>&nbsp;</TD></TR>
<TR><TD>Net loss</TD><TD>&nbsp;</TD><TD>$</TD><TD ALIGN=right>(1,204</TD><TD>)</TD><TD>$</TD>
<TD ALIGN=right>(980</TD><TD>)</TD></TR>
</TABLE>
<P ALIGN="center"><FONT SIZE="2">2 </FONT></P>
<p Style='page-break-before:always'>
<HR SIZE="3" COLOR="#999999" WIDTH="100%" ALIGN="CENTER">
<H5 ALIGN="left"><A HREF="#toc">Table of Contents</A></H5>
<P><FONT SIZE="2"><B>Item&nbsp;9A. Controls and Procedures</B></FONT></P>
<P><FONT SIZE="2">They were effective.</FONT></P>
</BODY></HTML>
</TEXT>
</DOCUMENT>
"""


OLD_TEXT = """-----BEGIN PRIVACY-ENHANCED MESSAGE-----
Proc-Type: 2001,MIC-CLEAR

<SEC-DOCUMENT>0000999998-98-000123.txt : 19980330
<SEC-HEADER>0000999998-98-000123.hdr.sgml : 19980330
CONFORMED SUBMISSION TYPE:\t10-K405
CONFORMED PERIOD OF REPORT:\t19971231

\tCOMPANY DATA:\t
\t\tCOMPANY CONFORMED NAME:\t\t\tTARN VALLEY PAPER CO
</SEC-HEADER>
<DOCUMENT>
<TYPE>10-K405
<SEQUENCE>1
<TEXT>

<PAGE>
                 UNITED STATES SECURITIES AND EXCHANGE COMMISSION
                            WASHINGTON, D.C. 20549

                                  FORM 10-K

                  FOR THE FISCAL YEAR ENDED DECEMBER 31, 1997

                           TARN VALLEY PAPER COMPANY
             (Exact name of registrant as specified in its charter)

<PAGE>   2

                               TABLE OF CONTENTS

<TABLE>
<CAPTION>
                                                                            Page
                                                                            ----
<S>                                                                         <C>
PART I
Item 1.    Business........................................................   1
Item 2.    Properties......................................................   1
Item 3.    Legal Proceedings...............................................   2
PART II
Item 7.    Management's Discussion and Analysis............................   2
Item 8.    Financial Statements and Supplementary Data.....................   3
</TABLE>

                                       i
<PAGE>

                                     PART I

ITEM 1.  BUSINESS

     Tarn Valley Paper  Company (the "Company")  makes coated papers &amp; boards at
three mills in  Maine.  The Company sells to printers  and to publishers through
merchants, and holds long term contracts with

                                       1
<PAGE>

four of them.  No customer bought more than a tenth of the tons that were  made.

     The following table shows the Company's sales by product:

<TABLE>
<CAPTION>
                                                   Years Ended December 31,
                                              ---------------------------------
                                                1997        1996        1995
                                              ---------   ---------   ---------
                                                       (in thousands)
<S>                                           <C>         <C>         <C>
Coated papers...............................  $ 412,300   $ 398,750   $ 377,120
Freight and allowances
  paid to merchants.........................    (12,044)    (11,870)    (10,999)
Other, net..................................        310          --        (125)
                                              ---------   ---------   ---------
    Net sales...............................  $ 400,566   $ 386,880   $ 365,996
                                              =========   =========   =========
</TABLE>

                                       2
<PAGE>

                                    PART II

ITEM 8.  FINANCIAL STATEMENTS AND SUPPLEMENTARY DATA

                          CONSOLIDATED BALANCE SHEETS
                             (dollars in thousands)

<TABLE>
<CAPTION>
                                             December 31,   December 31,
                                                 1997           1996
- -----------------------------------------    ------------   ------------
<S>                                          <C>            <C>
Current assets:
  Cash and cash equivalents                  $     10,442   $      9,871
  Receivables, less allowances of
    $1,200 and $1,100                              55,870         52,113
                                             ------------   ------------
                                             $     66,312   $     61,984
                                             ============   ============
</TABLE>

                                       3
</TEXT>
</DOCUMENT>
<DOCUMENT>
<TYPE>EX-27
<TEXT>
<ARTICLE> 5
<CASH> 10,442
</TEXT>
</DOCUMENT>
</SEC-DOCUMENT>
-----END PRIVACY-ENHANCED MESSAGE-----
"""
