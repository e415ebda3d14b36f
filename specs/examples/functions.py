"""The functions of the examples. A function takes the text of its step and returns the text for the next one."""

import re

AMOUNT = re.compile(r"(?P<amount>\d+(?:[.,]\d{2})?)\s*(?P<currency>EUR|USD|GBP)\b", re.IGNORECASE)
ORDER = re.compile(r"(?P<count>\d+)\s*x\s*(?P<article>\w[\w -]*)")
COST_CENTRES = {"train": "7100 travel", "flight": "7100 travel", "hotel": "7200 lodging", "dinner": "7300 meals"}
RUDE = re.compile(r"\bdamn\b", re.IGNORECASE)
LEAST_WORDS, TOO_SHORT = 8, " (too short)"
LARGE_AMOUNT = 500
OTHER_COST_CENTRE = "7900 other"


def add_cost_centre(claim: str) -> str:
    """Return ``claim`` with a line that names its amount and the cost centre to charge.

    Raises:
        ValueError: the claim names no amount with a currency, for example ``120.50 EUR``.
    """
    found = AMOUNT.search(claim)
    if found is None:
        raise ValueError("The claim names no amount with a currency, such as 120.50 EUR.")
    words = claim.lower()
    centre = next((centre for word, centre in COST_CENTRES.items() if word in words), OTHER_COST_CENTRE)
    amount = found["amount"].replace(",", ".")
    return f"{claim}\nAmount: {amount} {found['currency'].upper()}\nCost centre: {centre}"


def extract_order(text: str) -> str:
    """Return the order in ``text`` as ``count x article``.

    Raises:
        ValueError: the text holds no order, for example ``3 x paper``.
    """
    found = ORDER.search(text)
    if found is None:
        raise ValueError("The text holds no order, such as 3 x paper.")
    return f"{found['count']} x {found['article'].strip()}"


def tidy(text: str) -> str:
    """Return ``text`` on one line, without superfluous white space. Applying it twice changes nothing."""
    return " ".join(text.split())


def split_lines(text: str) -> list[str]:
    """Return the lines of ``text`` that are not empty: a list for a map to work on."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def count_words(text: str) -> str:
    """Return ``text``, with a remark when it has fewer than eight words; the remark of an earlier check is gone."""
    post = text.replace(TOO_SHORT, "")
    return post if len(post.split()) >= LEAST_WORDS else f"{post}{TOO_SHORT}"


def judge(claim: str) -> dict[str, object]:
    """Return ``claim`` with its amount and whether that is large; a claim without an amount is not."""
    found = AMOUNT.search(claim)
    amount = float(found["amount"].replace(",", ".")) if found else 0.0
    return {"claim": claim, "amount": amount, "large": amount >= LARGE_AMOUNT}


def search_handbook(arguments: dict[str, str]) -> dict[str, str]:
    """Return what the handbook says about the ``query`` of ``arguments``: a tool, not a function of steps."""
    words = arguments["query"].lower()
    found = next((centre for word, centre in COST_CENTRES.items() if word in words), OTHER_COST_CENTRE)
    return {"cost_centre": found}


def soften(text: str) -> dict[str, object]:
    """Judge the tone of ``text``, and offer a kinder one."""
    kinder = RUDE.sub("dear", text)
    return {"passed": kinder == text, "reason": "it is rude", "revised_text": kinder}


def shorten(text: str) -> str:
    """Return a summary of a conversation: how many turns it had, and the last of them."""
    turns = text.splitlines()
    return f"{len(turns)} turns, the last: {turns[-1] if turns else ''}"
