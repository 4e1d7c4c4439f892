"""What a page of the documentation shows of commands, and whether it is what they print."""

import re
from dataclasses import dataclass, field

LEFT_OUT = "..."  # a line of a page in place of any lines; at the end of a line in place of its rest


@dataclass
class Step:
    """One command of a page and the lines that it shows."""

    line: str
    shown: list[str] = field(default_factory=list)

    @property
    def command(self) -> str:
        """The command without a remark behind it."""
        return self.line.partition("  # ")[0].strip()

    @property
    def fails(self) -> bool:
        """Whether the page says that it fails."""
        return self.line.partition("  # ")[2] == "fails"


def blocks(page: str):
    """(kind, content, text before it) of every fenced block."""
    place = 0
    for match in re.finditer(r"^```(\w+)\n(.*?)^```$", page, flags=re.S | re.M):
        yield match[1], match[2], page[place : match.start()]
        place = match.end()


def steps(page: str) -> list[Step]:
    """The commands of a page; a block of text right after them is what the last one prints."""
    out: list[Step] = []
    for kind, content, _ in blocks(page):
        if kind == "sh":
            out += [Step(line) for line in content.splitlines()]
        elif kind == "text":
            out[-1].shown += content.splitlines()
    return out


def check_shown(step: Step, printed: str) -> None:
    """Assert that the lines shown are all that is printed, but for those left out."""
    if not step.shown:
        return
    pattern = "\n".join(map(_pattern, step.shown))
    lines = "\n".join(line.rstrip() for line in printed.rstrip("\n").splitlines())
    assert re.fullmatch(pattern, lines, flags=re.S), f"{step.line}\nprints\n{lines}"


def _pattern(line: str) -> str:
    if line.strip() == LEFT_OUT:
        return ".*"
    start = line.rstrip().removesuffix(LEFT_OUT)
    return re.escape(start) + ("" if start == line.rstrip() else r"[^\n]*")
