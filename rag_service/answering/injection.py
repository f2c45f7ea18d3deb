"""Text of filings that speaks to a language model, which is data like all else and no evidence."""

from __future__ import annotations

import re

_ORDER = re.compile(
    r"""
    \b(?:ignore|disregard|forget|override|bypass)\b.{0,60}
        \b(?:instruct\w*|prompts?|guardrails|(?:earlier|previous)\ rules|everything|the\ above)\b
    | \b(?:system|developer|hidden|initial)\s+(?:prompt|message|instructions?)\b
    | \b(?:you\ are|you're|act\ as|pretend|behave\ as|respond\ as)\b.{0,40}
        \b(?:assistant|AI|A\.I\.|language\ model|LLM|chatbot|GPT\w*|bot|(?:developer|debug)\ mode)\b
    | \b(?:AI|assistants?|language\ models?|LLMs?|chatbots?)\b.{0,40}
        \b(?:reading\ this|must\ (?:now\ )?(?:say|answer|reply|output|cite|quote|respond)|you\b)
    | \b(?:if|when|whenever|once)\s+(?:you\s+are\s+|anyone\s+|somebody\s+|users?\s+)?ask(?:ed|s)?\b
        .{0,120}\b(?:say|answer|reply|respond|state|output|write|print|cite|give)\b
    | \b(?:your|the)\s+(?:only\s+|final\s+|correct\s+)?(?:answer|reply|response|output)\s+
        (?:must|should|is\ to|has\ to|shall)\b
    | \b(?:reply|respond|answer|output|print|repeat|say|write)\s+
        (?:only|exactly|nothing|verbatim|with\ the\ (?:word|following)|in\ JSON|the\ following|
        the\ text\ above)\b
    | \bnew\ (?:instructions?|task|role|rules?)\s*: | \bend\ of\ (?:the\ )?(?:passages?|context)\b
    | \b(?:do\ not|don't|never)\ (?:cite|quote|mention|reveal|tell|answer|use\ the\ passages)\b
    | !\[[^\]]*\]\( | <\s*(?:script|img|iframe|a\s+href)\b
    | (?:^|[\n.!?"”]\s*)\#*\s*(?:system|assistant|user|human|developer)\s*:
    | <\|?\s*/?\s*(?:im_start|im_end|system|assistant|user|endoftext|eot_id|start_header_id)\b
    | \[/?INST\] | <</?SYS>>
    | ["'](?:passage|quote|answer|evidence|calculations|role|content)["']\s*:
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_TEMPLATE = re.compile(r"<\||\[/?INST\]|<</?SYS>>|</?s>|<(?:start|end)_of_turn>", re.I)
_ADDRESS = re.compile(
    r"https?:|\bwww\.|\]\(|\b[\w.+-]+@[\w-]+\.\w+|\b[\w-]+\.(?:com|net|org|io|co|gov|info|biz)\b",
    re.I,
)
_ASKS_ADDRESS = re.compile(
    r"\b(?:web\s?-?sites?|web|sites?|urls?|links?|internet|addresse?s?|e-?mails?|online)\b", re.I
)


def is_order(text: str) -> bool:
    """Whether ``text`` tells its reader what to say or to do, or imitates a prompt.

    Annual reports do not: whatever says so is not cited, by the LLM or without it.
    """
    return _ORDER.search(text) is not None


def strays_to_address(question: str, statement: str) -> bool:
    """Whether ``statement`` names a web or mail address that ``question`` does not ask for."""
    return _ADDRESS.search(statement) is not None and _ASKS_ADDRESS.search(question) is None


def defused(text: str) -> str:
    """``text`` in which no chat template finds a mark of its own."""
    return _TEMPLATE.sub(lambda mark: f"{mark[0][0]} {mark[0][1:]}", text)
