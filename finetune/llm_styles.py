"""Kinds of questions that an LLM is asked for, each with an example of an invented company."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Style:
    """An example: ``before`` is the sentence that goes before the fact in its section."""

    section: str
    before: str
    fact: str
    answer: str
    question: str


STYLES = {
    "figure": Style(
        "Liquidity",
        "Our revolving credit facility matures in June 2016.",
        "At year-end, $120 million was drawn under the facility.",
        "$120 million",
        "How much had Quillmere drawn on its revolver at the end of FY2014?",
    ),
    "cause": Style(
        "Gross Margin",
        "Gross margin was 31.2%, against 33.0% the year before.",
        "The decline was due to higher freight costs and a weaker product mix.",
        "higher freight costs and a weaker product mix",
        "Why did Quillmere's gross margin shrink in FY2014?",
    ),
    "comparison": Style(
        "Segments",
        "The Nordic segment has 41 stores.",
        "Its net sales rose 8% to $212 million from $196 million.",
        "Its net sales rose 8% to $212 million from $196 million",
        "How did Nordic sales of Quillmere develop in FY2014 against the year before?",
    ),
    "risk": Style(
        "Suppliers",
        "We buy all of our circuit boards from one supplier in Ostrow.",
        "If its deliveries stopped, we could lose orders for months.",
        "we could lose orders for months",
        "In FY2014, what happens to Quillmere if its circuit board supplier fails?",
    ),
    "policy": Style(
        "Revenue",
        "Maintenance contracts run for one to five years.",
        "Their revenue is recognized ratably over the term.",
        "ratably over the term",
        "How does Quillmere book revenue from maintenance contracts in FY2014?",
    ),
    "business": Style(
        "Business",
        "We sell garden tools.",
        "Our 62 shops are in six countries, and most of them are leased.",
        "most of them are leased",
        "Did Quillmere own or lease its shops in FY2014?",
    ),
}
