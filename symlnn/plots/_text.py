"""Text in figures: names that are shown as they are, and mathematics that matplotlib can set."""

from matplotlib.mathtext import MathTextParser


def plain(text: str) -> str:
    """The text as it is: a dollar begins no formula."""
    return text.replace("$", r"\$")


def mathematics(latex: str, otherwise: str) -> str:
    """A formula, or the plain text where matplotlib cannot set it."""
    formula = f"${latex}$"
    try:
        MathTextParser("path").parse(formula)
    except (ValueError, RecursionError):
        return plain(otherwise)
    return formula
